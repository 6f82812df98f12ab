// Starts a run of the script when the theme of the app changes from light to dark or back.
export default function ({ parentElement, setTriggerValue }) {
  const app = document.querySelector(".stApp");
  const scheme = () => getComputedStyle(app).colorScheme;
  let current = scheme();
  parentElement.watcher?.disconnect();
  parentElement.watcher = new MutationObserver(() => {
    if (scheme() === current) return;
    current = scheme();
    setTriggerValue("theme", current);
  });
  parentElement.watcher.observe(app, { attributeFilter: ["class"] });
  return () => parentElement.watcher.disconnect();
}
