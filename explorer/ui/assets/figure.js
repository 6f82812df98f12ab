// Shows an SVG figure, and reports the part that the user chooses.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  const root = frame.getRootNode();
  const focused = root.activeElement && frame.contains(root.activeElement) ? root.activeElement.dataset.pick : null;

  if (frame.shown !== data.svg) {
    const left = frame.scrollLeft;
    frame.innerHTML = data.svg;
    frame.shown = data.svg;
    frame.scrollLeft = left;
    prepare();
  }

  function parts() {
    return [...frame.querySelectorAll("[data-pick]")];
  }

  function prepare() {
    const svg = frame.querySelector("svg");
    const width = svg.viewBox.baseVal.width;
    svg.style.width = "100%";
    svg.style.maxWidth = `${width}px`;
    svg.style.minWidth = `${width * data.minScale}px`;
    const all = parts();
    const chosen = all.find((part) => part.getAttribute("aria-pressed") === "true");
    for (const part of all) part.tabIndex = -1;
    if (all.length) (chosen || all[0]).tabIndex = 0;
    else frame.tabIndex = frame.scrollWidth > frame.clientWidth ? 0 : -1;
    const restored = focused && all.find((part) => part.dataset.pick === focused);
    if (restored) {
      focus(restored);
    } else if (chosen && chosen.dataset.pick !== frame.chosen) {
      scrollTo(chosen);
    }
    frame.chosen = chosen && chosen.dataset.pick;
  }

  function scrollTo(part) {
    const box = part.getBoundingClientRect();
    const view = frame.getBoundingClientRect();
    if (box.left < view.left || box.right > view.right) {
      frame.scrollLeft += box.left - view.left - view.width / 2 + box.width / 2;
    }
  }

  function focus(part) {
    for (const other of parts()) other.tabIndex = other === part ? 0 : -1;
    part.focus({ preventScroll: true });
    scrollTo(part);
  }

  frame.onclick = (event) => {
    const part = event.target.closest("[data-pick]");
    if (!part) return;
    focus(part);
    setTriggerValue("pick", part.dataset.pick);
  };

  frame.onkeydown = (event) => {
    const part = event.target.closest("[data-pick]");
    if (!part) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      setTriggerValue("pick", part.dataset.pick);
    } else if (event.key in STEPS || event.key === "Home" || event.key === "End") {
      event.preventDefault();
      const all = parts();
      const index = all.indexOf(part);
      const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : index + STEPS[event.key];
      if (all[next]) focus(all[next]);
    }
  };
}
