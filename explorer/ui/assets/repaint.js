// Asks for a run of the script when the colours of the app turn from light to dark or back.
export default function ({ parentElement, setTriggerValue }) {
  const app = document.querySelector(".stApp");
  const scheme = () => getComputedStyle(app).colorScheme;
  let seen = scheme();
  parentElement.watcher?.disconnect();
  parentElement.watcher = new MutationObserver(() => {
    if (scheme() === seen) return;
    seen = scheme();
    setTriggerValue("turned", seen);
  });
  parentElement.watcher.observe(app, { attributeFilter: ["class"] });
  return () => parentElement.watcher.disconnect();
}
