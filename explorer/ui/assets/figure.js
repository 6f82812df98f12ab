// Shows an SVG figure, and reports the part that the user chooses.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export default function ({ data, parentElement, setTriggerValue }) {
  const choice = data.choosesLayers ? layerChoice() : null;
  const frame = parentElement.querySelector(".frame");
  const viewer = (frame.viewer ||= new Viewer(parentElement.querySelector(".figure"), data.labels));
  const root = frame.getRootNode();
  const focused = root.activeElement && frame.contains(root.activeElement) ? root.activeElement.dataset.pick : null;

  if (frame.shown !== data.svg) {
    viewer.show(data.svg, data.tools);
    frame.shown = data.svg;
    prepare();
    // In the next frame, what stands below has its place and may be shown; see first_paint.css.
    const place = root.host?.closest("[data-testid=stElementContainer]");
    requestAnimationFrame(() => requestAnimationFrame(() => place?.setAttribute("data-drawn", "")));
  }

  function parts() {
    return [...frame.querySelectorAll("[data-pick]")];
  }

  function prepare() {
    const all = parts();
    const chosen = choice ? partOf(choice.chosen) : all.find((part) => part.ariaPressed === "true");
    for (const part of all) part.tabIndex = -1;
    if (all.length) (chosen || all[0]).tabIndex = 0;
    const restored = focused && all.find((part) => part.dataset.pick === focused);
    if (restored) {
      focus(restored);
    } else if (!choice && chosen && chosen.dataset.pick !== frame.revealed) {
      viewer.reveal(chosen);
      frame.revealed = chosen.dataset.pick;
    }
  }

  function focus(part) {
    for (const other of parts()) other.tabIndex = other === part ? 0 : -1;
    part.focus({ preventScroll: true });
    viewer.reveal(part);
  }

  function layerOf(part) {
    const [kind, name] = (part?.dataset.pick ?? "").split(/:(.*)/s);
    return kind === "layer" ? name : "";
  }

  function report(part) {
    const layer = choice && layerOf(part);
    if (layer) setTriggerValue("choose", choice.choose(layer));
    else setTriggerValue("pick", part.dataset.pick);
  }

  // The part that shows a layer: its own, or the closed part that it is in.
  function partOf(name) {
    if (!name) return null;
    const own = frame.querySelector(`[data-pick="${CSS.escape(`layer:${name}`)}"]`);
    const position = choice.names.indexOf(name);
    return own ?? [...frame.querySelectorAll("[data-layers]")].find((part) =>
      part.dataset.layers.split(" ").some((range) => {
        const [first, last] = range.split("-").map(Number);
        return first <= position && position <= (last ?? first);
      }));
  }

  function mark() {
    for (const [kind, name] of [["chosen", choice.chosen], ["pointed", choice.pointed]]) {
      frame.querySelector(`.${kind}-mark`)?.remove();
      const part = partOf(name);
      if (kind === "chosen") {
        for (const other of frame.querySelectorAll("[aria-pressed=true]")) other.ariaPressed = "false";
        if (part && layerOf(part) === name) part.ariaPressed = "true";
      }
      if (!part?.dataset.box) continue;
      const [x, y, width, height] = part.dataset.box.split(" ");
      const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [attribute, value] of Object.entries({ x, y, width, height, class: `mark ${kind}-mark` }))
        box.setAttribute(attribute, value);
      part.parentNode.append(box); // in the same row
      if (kind === "chosen" && name !== frame.revealed) viewer.reveal(part);
    }
    frame.revealed = choice.chosen;
  }

  if (choice) {
    frame.onpointerover = (event) => choice.point(layerOf(event.target.closest("[data-pick]")));
    frame.onpointerleave = () => choice.point("");
  }

  frame.onclick = (event) => {
    const part = event.target.closest("[data-pick]");
    if (!part) return;
    focus(part);
    report(part);
  };

  frame.onkeydown = (event) => {
    const part = event.target.closest("[data-pick]");
    if (!part) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      report(part);
    } else if (event.key in STEPS || event.key === "Home" || event.key === "End") {
      event.preventDefault();
      const all = parts();
      const index = all.indexOf(part);
      const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : index + STEPS[event.key];
      if (all[next]) focus(all[next]);
    }
  };

  if (choice) return choice.join("diagram", mark);
}
