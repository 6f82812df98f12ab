// One epoch for all charts of the page: a line marks it in each of them, beside the values of the chart's lines. Pointer or
// finger choose it on a chart; for the keyboard there is a slider, which is in sight while it has the focus.
export default function ({ data, parentElement }) {
  const slider = parentElement.querySelector("input");
  const label = parentElement.querySelector("label");
  const marks = new Map(); // a line with its box, by chart
  const epochs = [...new Set(data.charts.flatMap((chart) => chart.epochs))].sort((one, other) => one - other);
  const numbers = new Intl.NumberFormat(data.language, { maximumSignificantDigits: 4 });
  const words = (chart, value) => (chart.percent ? `${(100 * value).toFixed(2)}%` : numbers.format(value));
  const title = (epoch) => data.labels.epoch.replace("{epoch}", numbers.format(epoch));

  const placeOf = (chart) => document.querySelector(`.st-key-${chart.key} [data-testid="stVegaLiteChart"]`);
  // The area of a chart within its axes.
  const areaOf = (place) => place?.querySelector("svg .role-frame path.background")?.getBoundingClientRect();
  const listed = (chart, epoch) => {
    const index = chart.epochs.indexOf(epoch);
    return chart.lines.map((line) => ({ ...line, value: line.values[index] ?? null })).filter(({ value }) => value !== null);
  };

  function box(chart, epoch) {
    const heading = document.createElement("b");
    heading.textContent = title(epoch);
    const rows = listed(chart, epoch).map((line) => {
      const row = document.createElement("p");
      row.style.setProperty("--colour", line.colour);
      row.appendChild(document.createElement("i")).className = line.dashed ? "dashed" : "";
      row.appendChild(document.createElement("span")).textContent = line.name;
      row.appendChild(document.createElement("b")).textContent = words(chart, line.value);
      return row;
    });
    return [heading, ...rows];
  }

  function show(epoch) {
    for (const chart of data.charts) {
      const place = placeOf(chart);
      const area = epoch === null || !chart.epochs.includes(epoch) ? null : areaOf(place);
      if (!area) {
        marks.get(chart.key)?.remove();
        continue;
      }
      const mark = marks.get(chart.key) ?? document.createElement("div");
      marks.set(chart.key, mark);
      if (mark.parentElement !== place) {
        mark.replaceChildren(document.createElement("div"));
        mark.ariaHidden = "true"; // the slider has the values as words
        place.append(mark);
      }
      const around = place.getBoundingClientRect();
      const x = ((epoch - chart.from) / (chart.to - chart.from)) * area.width;
      mark.className = `explorer-epoch${x > area.width / 2 ? " left" : ""}`;
      mark.style.cssText = `left:${area.left - around.left + x}px;top:${area.top - around.top}px;height:${area.height}px`;
      for (const [name, colour] of Object.entries(data.colours)) mark.style.setProperty(`--${name}`, colour);
      mark.style.setProperty("--wide", `${Math.max(x, area.width - x)}px`);
      mark.firstChild.replaceChildren(...box(chart, epoch));
    }
  }

  function point(event) {
    if (event.target === slider) return;
    const place = event.target.closest?.('[data-testid="stVegaLiteChart"]');
    const chart = place && data.charts.find((one) => placeOf(one) === place);
    const area = chart && areaOf(place);
    if (!area?.width || event.clientX < area.left - 8 || event.clientX > area.right + 8) {
      if (slider.getRootNode().activeElement !== slider) show(null);
      return;
    }
    const wanted = chart.from + ((event.clientX - area.left) / area.width) * (chart.to - chart.from);
    show(chart.epochs.reduce((best, epoch) => (Math.abs(epoch - wanted) < Math.abs(best - wanted) ? epoch : best)));
  }

  function slide() {
    const epoch = epochs[slider.value];
    const values = data.charts.flatMap((chart) => {
      const lines = listed(chart, epoch);
      return lines.length ? [`${chart.title}: ${lines.map((line) => `${line.name} ${words(chart, line.value)}`.trim()).join(", ")}`] : [];
    });
    slider.ariaValueText = [title(epoch), ...values].join("; ");
    show(epoch);
  }

  label.firstChild.textContent = data.labels.slider;
  slider.max = epochs.length - 1;
  slider.oninput = slider.onfocus = slide;
  slider.onblur = () => show(null);
  const events = ["pointermove", "pointerdown"];
  for (const name of events) document.addEventListener(name, point, { passive: true });
  return () => {
    for (const name of events) document.removeEventListener(name, point);
    for (const mark of marks.values()) mark.remove();
  };
}
