// Connects the layers side by side with the chart of the receptive field: a row under the pointer, or a chosen one, is
// marked in both. Shows all layers, or other numbers of the stages, as soon as the user asks for them.
const ROW_STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export default function ({ data, setTriggerValue }) {
  const choice = layerChoice();
  const place = document.querySelector(".st-key-compare-diff");
  const chartPlace = document.querySelector(".st-key-compare-field");
  const circles = [document.createElement("div"), document.createElement("div")];
  const networks = [0, data.other]; // positions of the compared networks, which are those of the lines in the chart
  let chart = null;
  let leaveChart = null;
  for (const circle of circles) circle.className = "explorer-compare-mark";

  const rows = () => [...place.querySelectorAll("tr[data-layer]")].filter((row) => row.checkVisibility());

  function mark() {
    for (const kind of ["chosen", "pointed"]) {
      for (const row of place.querySelectorAll(`tr.${kind}`)) row.classList.remove(kind);
      const row = choice[kind] && place.querySelector(`tr[data-layer="${CSS.escape(choice[kind])}"]`);
      if (row) row.classList.add(kind);
    }
    for (const row of place.querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
    place.querySelector("tr.chosen")?.setAttribute("aria-current", "true");
    if (!chart?._fullLayout?.xaxis) return;
    const shown = choice.shown && place.querySelector(`tr[data-layer="${CSS.escape(choice.shown)}"]`);
    circles.forEach((circle, side) => {
      const depth = shown ? shown.dataset.depths.split(" ")[side] : "";
      const line = chart.data[networks[side]];
      const index = depth === "" ? -1 : [...line.x].indexOf(Number(depth));
      circle.hidden = index < 0;
      if (index < 0) return;
      const { xaxis, yaxis } = chart._fullLayout;
      circle.style.left = `${xaxis._offset + xaxis.l2p(Number(depth))}px`;
      circle.style.top = `${yaxis._offset + yaxis.l2p(line.y[index])}px`;
      circle.style.borderColor = data.colour;
    });
  }

  function rowAt({ curveNumber, x }) {
    const side = networks.indexOf(curveNumber);
    return rows().find((row) => row.dataset.depths.split(" ")[side] === String(x))?.dataset.layer ?? "";
  }

  function connect() {
    const found = chartPlace?.querySelector(".js-plotly-plot");
    if (!found?._fullLayout || found === chart) return;
    leaveChart?.();
    chart = found;
    chart.append(...circles);
    const handlers = {
      plotly_hover: (event) => choice.point(rowAt(event.points[0])),
      plotly_unhover: () => choice.point(""),
      plotly_click: (event) => choose(rowAt(event.points[0])),
      plotly_afterplot: mark,
    };
    for (const [name, handler] of Object.entries(handlers)) chart.on(name, handler);
    leaveChart = () => {
      for (const circle of circles) circle.remove();
      for (const [name, handler] of Object.entries(handlers)) chart.removeListener?.(name, handler);
    };
    mark();
  }

  function choose(layer) {
    if (layer) setTriggerValue("choose", choice.choose(layer));
  }

  const rowOf = (event) => event.target.closest?.("tr[data-layer]");
  const listeners = {
    pointerover: (event) => choice.point(rowOf(event)?.dataset.layer ?? ""),
    pointerleave: () => choice.point(""),
    click: (event) => {
      if (rowOf(event) && !getSelection().toString()) choose(rowOf(event).dataset.layer);
    },
    keydown: (event) => {
      const row = rowOf(event);
      if (!row) return;
      const all = rows();
      if (event.key === "Enter" || event.key === " ") choose(row.dataset.layer);
      else if (event.key in ROW_STEPS) {
        const next = all[Math.min(Math.max(all.indexOf(row) + ROW_STEPS[event.key], 0), all.length - 1)];
        row.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      } else return;
      event.preventDefault();
    },
  };
  for (const [name, listener] of Object.entries(listeners)) place.addEventListener(name, listener);

  // The keyboard reaches the rows with one tab stop.
  function reach() {
    const all = rows();
    if (all.length && !all.some((row) => row.tabIndex === 0)) (all.find((row) => row.matches(".chosen")) ?? all[0]).tabIndex = 0;
  }

  // Follows controls of the page before the server does: the checked option has the same position in the list.
  function follow(control, options, show) {
    const found = document.querySelector(`.st-key-${control}`);
    const watcher = new MutationObserver(() => {
      const checked = [...found.querySelectorAll('[role="radio"]')].findIndex((option) => option.ariaChecked === "true");
      if (checked >= 0) show(options[checked]);
    });
    if (found) watcher.observe(found, { subtree: true, attributeFilter: ["aria-checked"] });
    return watcher;
  }
  const watchers = [
    follow("compare-view-layers", data.layers, (layers) => {
      const table = place.querySelector(".rows-of-layers");
      if (table) table.dataset.layers = layers;
      reach();
    }),
    follow("compare-view-measure", data.measures, (measure) => {
      for (const table of document.querySelectorAll(".xc .of-measure")) table.hidden = table.dataset.measure !== measure;
    }),
    new MutationObserver(() => {
      connect();
      mark();
      reach();
    }),
  ];
  for (const part of [place, chartPlace]) watchers.at(-1).observe(part, { subtree: true, childList: true });
  connect();
  reach();
  const leave = choice.join("compare", mark);
  return () => {
    leave();
    leaveChart?.();
    for (const watcher of watchers) watcher.disconnect();
    for (const [name, listener] of Object.entries(listeners)) place.removeEventListener(name, listener);
  };
}
