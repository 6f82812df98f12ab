// Remembers in this browser how far the reader has come in each lesson, and writes it on the cards of the gallery.
// Each new step begins at its top: below a long step, Next would leave the text of the following one out of sight.
const KEY = "explorer.lessons";
let shown = "";

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // storage is off, or another program wrote there
  }
}

function record({ lesson, step, steps }) {
  const progress = stored();
  progress[lesson] = Math.max(progress[lesson] ?? 0, step / steps);
  try {
    localStorage.setItem(KEY, JSON.stringify(progress));
  } catch {
    // storage is off or full: the lesson works without it
  }
}

function write(words) {
  const progress = stored();
  for (const place of document.querySelectorAll(".learn-progress")) {
    const share = progress[place.dataset.lesson] ?? 0;
    const text = share >= 1 ? `✓ ${words.done}` : share > 0 ? words.part.replace("{share}", `${Math.round(100 * share)} %`) : "";
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle("learn-done", share >= 1);
  }
}

function begin({ lesson, step }) {
  const place = `${lesson} ${step}`;
  if (shown && shown !== place) document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  shown = place;
}

export default function ({ data }) {
  if (data.lesson) {
    record(data);
    begin(data);
    return;
  }
  write(data.words);
  const watcher = new MutationObserver(() => write(data.words)); // cards may be rendered later
  watcher.observe(document.body, { subtree: true, childList: true });
  return () => watcher.disconnect();
}
