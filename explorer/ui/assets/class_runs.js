// All runs of the class on one chart. A curve has the colour of its student; if each student has several curves, as in
// the lessons, it has the colour of what was trained.
const CHART = { widest: 640, lowest: 170, highest: 280, left: 46, right: 10, top: 24, bottom: 24 };
const BESIDE = 310; // pixels of the height for what stands around the chart
const SVG = "http://www.w3.org/2000/svg";

function shape(tag, properties, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// The run that the page shows, as the server has named it.
function runOfPage() {
  const place = document.querySelector("[data-class-run]");
  try {
    return place ? JSON.parse(place.dataset.classRun) : null;
  } catch {
    return null;
  }
}

const colourOf = (place) => `color-mix(in srgb, hsl(${(place * 137.5 + 215) % 360} 75% 50%) 80%, var(--st-text-color))`;
const numberOf = (word) => [...word].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 9973, 0); // the same while others come

// Names that have a colour each; none if students have.
function colouredNames(runs) {
  const names = [...new Set(runs.flatMap((run) => run.lines.map((line) => line.name)))].sort();
  return runs.some((run) => run.lines.length > 1) && names.length <= 6 ? names : [];
}

function linesOf(runs, names) {
  return runs.flatMap((run) => run.lines.map((line) => ({
    word: run.word, name: line.name, points: line.points, colour: colourOf(names.length ? names.indexOf(line.name) : numberOf(run.word)),
  })));
}

function runPlot(lines, mine, words) {
  const { widest, lowest, highest, left, right, top, bottom } = CHART;
  const zoom = Number(getComputedStyle(document.documentElement).getPropertyValue("--presenter-zoom")) || 1;
  const width = Math.min(widest, innerWidth / zoom - 40); // text of one size on every screen
  const height = Math.max(lowest, Math.min(highest, innerHeight / zoom - BESIDE));
  const points = lines.flatMap((line) => line.points);
  const last = Math.max(1, ...points.map(([epoch]) => epoch));
  const low = Math.floor(5 * Math.min(0.8, ...points.map(([, value]) => value))) / 5;
  const x = (epoch) => left + ((width - left - right) * epoch) / last;
  const y = (value) => top + ((height - top - bottom) * (1 - value)) / (1 - low);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "runs", role: "img", "aria-label": words.curves });
  for (let step = 0; step <= 4; step += 1) {
    const value = low + ((1 - low) * step) / 4;
    svg.append(
      shape("path", { d: `M${left} ${y(value)}H${width - right}`, class: "grid" }),
      shape("text", { x: left - 6, y: y(value) + 5, "text-anchor": "end" }, `${Math.round(100 * value)}%`),
    );
  }
  svg.append(shape("text", { x: 0, y: 12 }, words.accuracy));
  svg.append(shape("text", { x: left, y: height - 6, "text-anchor": "middle" }, "0"), shape("text", { x: width - right, y: height - 6, "text-anchor": "end" }, fill(words.epoch, { epoch: last })));
  for (const line of lines) {
    if (!line.points.length) continue;
    const [epoch, value] = line.points[line.points.length - 1];
    const own = line.word === mine ? " own" : "";
    line.drawn = shape(
      "g", { class: `line${own}`, style: `color: ${line.colour}` },
      shape("title", {}, `${line.word}: ${line.name}, ${(100 * value).toFixed(1)}%`),
      shape("polyline", { points: line.points.map(([at, share]) => `${x(at).toFixed(1)},${y(share).toFixed(1)}`).join(" ") }),
      shape("circle", { cx: x(epoch), cy: y(value), r: 3.5 }),
    );
    svg.append(line.drawn);
  }
  return svg;
}

function swatch(colour) {
  const made = el("i", {});
  made.style.background = colour;
  return made;
}

// The chart of all runs, and the list of its curves: pointing at a row, or choosing it, marks its curve.
function runChart(round, words, mine) {
  if (!round.runs.length) return el("p", { class: "faint" }, words.none);
  const names = colouredNames(round.runs);
  const lines = linesOf(round.runs, names);
  const plot = runPlot(lines, mine, words);
  const end = (line) => line.points.at(-1)?.[1] ?? -1;
  const mark = (line, on) => {
    plot.classList.toggle("marks", on);
    line.drawn?.classList.toggle("marked", on);
    if (on && line.drawn) plot.append(line.drawn); // above the others
  };
  const rows = [...lines].sort((one, other) => end(other) - end(one)).map((line) => {
    return el(
      "li", { tabIndex: 0, onpointerenter: () => mark(line, true), onpointerleave: () => mark(line, false), onfocus: () => mark(line, true), onblur: () => mark(line, false) },
      swatch(line.colour), el("b", {}, line.word), ` ${line.name} `, el("span", {}, line.points.length ? `${(100 * end(line)).toFixed(1)}%` : "…"),
    );
  });
  const legend = names.length ? el("p", { class: "lines legend" }, ...names.map((name, place) => el("span", {}, swatch(colourOf(place)), name))) : null;
  return el("div", {}, legend, plot, el("details", {}, el("summary", {}, words.lines), el("ol", { class: "lines" }, ...rows)));
}
