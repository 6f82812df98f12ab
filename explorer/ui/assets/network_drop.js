// Hands a file that is dropped anywhere on the page to the file uploader that is not shown.
export default function ({ data, parentElement }) {
  const leave = new AbortController();
  const sign = document.body.appendChild(document.createElement("div"));
  sign.className = "explorer-drop";
  sign.hidden = true;
  sign.textContent = data.words;
  for (const name of ["--st-background-color", "--st-primary-color", "--st-text-color", "--st-font"]) {
    sign.style.setProperty(name, getComputedStyle(parentElement).getPropertyValue(name));
  }
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const listen = (name, react) => window.addEventListener(name, react, { signal: leave.signal });
  // A visible uploader takes its files itself.
  const isTaken = (event) => event.target.closest?.('[data-testid="stFileUploader"]');

  listen("dragover", (event) => {
    if (!hasFiles(event)) return;
    sign.hidden = Boolean(isTaken(event));
    event.preventDefault();
  });
  listen("dragleave", (event) => {
    if (!event.relatedTarget) sign.hidden = true;
  });
  listen("drop", (event) => {
    sign.hidden = true;
    if (!hasFiles(event) || isTaken(event)) return;
    event.preventDefault();
    const input = document.querySelector(".st-key-network-drop-uploader input[type=file]");
    const chosen = new DataTransfer();
    chosen.items.add(event.dataTransfer.files[0]);
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return () => {
    leave.abort();
    sign.remove();
  };
}
