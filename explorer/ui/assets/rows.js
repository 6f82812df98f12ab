// Wraps the segments of a diagram into rows, as the words of a text, so that its text stays as large as it is.
const ROWS = { start: 20, end: 12, gutter: 18, head: 24, pad: 6, inside: 0.4 };

function number(element, name) {
  const value = element.getAttribute(`data-${name}`);
  return value === null ? null : Number(value);
}

// The segments with their places, or null if the figure has none.
function segmentsOf(svg) {
  const bodies = [...svg.querySelectorAll(".segment")];
  const grounds = [...svg.querySelectorAll(".ground")];
  const names = [...svg.querySelectorAll(".names")];
  const branches = [...svg.querySelectorAll(".branch")];
  if (!bodies.length) return null;
  return bodies.map((body, index) => {
    const own = branches.filter((branch) => number(branch, "segment") === index);
    const frames = [...grounds[index].querySelectorAll(".frame-part")];
    return {
      body,
      grounds: [grounds[index], names[index]],
      branches: own,
      frames,
      again: [...names[index].querySelectorAll(".again")],
      left: number(body, "left"),
      right: number(body, "right"),
      reach: Math.max(number(body, "right"), ...own.map((branch) => number(branch, "right"))),
      top: number(body, "top"),
      bottom: Math.max(number(body, "bottom"), ...own.map((branch) => number(branch, "bottom") + ROWS.pad)),
      head: Math.max(0, ...frames.map((frame) => Number(frame.getAttribute("y")) + ROWS.head)),
      entry: number(body, "entry"),
      exit: number(body, "exit"),
    };
  });
}

function reachOf(segments, first, last) {
  return Math.max(...segments.slice(first, last + 1).map((segment) => segment.reach));
}

// The width of a row with the segments from first to last.
function rowWidth(segments, first, last) {
  const goesOn = last < segments.length - 1;
  return reachOf(segments, first, last) - segments[first].left + (first ? ROWS.start : 0) + (goesOn ? ROWS.end : 0);
}

// The rows as pairs of first and last segment: as few as possible, about equally full, best broken between stages.
function rowsOf(segments, width) {
  const best = [{ cost: 0, first: -1 }]; // of the first n segments
  for (let last = 0; last < segments.length; last += 1) {
    let found = { cost: Infinity, first: last };
    for (let first = last; first >= 0; first -= 1) {
      const wide = rowWidth(segments, first, last);
      if (wide > width && first < last) break;
      const slack = Math.max(0, 1 - wide / width);
      const inside = first ? ROWS.inside * segments[first].again.length : 0;
      const cost = best[first].cost + 100 + slack * slack + inside;
      if (cost < found.cost) found = { cost, first };
    }
    best.push(found);
  }
  const rows = [];
  for (let last = segments.length - 1; last >= 0; last = best[last + 1].first - 1) rows.unshift([best[last + 1].first, last]);
  return rows;
}

// Arranges a diagram for a width, and returns its size.
function wrapIntoRows(svg, segments, width) {
  const rows = rowsOf(segments, width);
  let y = 0;
  let widest = 0;
  const bends = [];
  let before = null; // where the edge leaves the row before
  for (const [first, last] of rows) {
    const row = segments.slice(first, last + 1);
    const x = (first ? ROWS.start : 0) - row[0].left;
    const head = Math.max(...row.map((segment) => segment.head));
    const top = Math.min(...row.map((segment) => segment.top));
    const height = head + ROWS.pad + Math.max(...row.map((segment) => segment.bottom)) - top;
    const shift = y + head + ROWS.pad - top;
    for (const segment of row) {
      for (const part of segment.grounds) part.setAttribute("transform", `translate(${x} ${y})`);
      for (const part of [segment.body, ...segment.branches]) part.setAttribute("transform", `translate(${x} ${shift})`);
      for (const frame of segment.frames) {
        const down = height - Number(frame.getAttribute("y")) - number(frame, "margin");
        frame.setAttribute("height", down);
        frame.setAttribute("stroke-dasharray", dashes(frame, down));
      }
      for (const name of segment.again) name.setAttribute("display", segment === row[0] ? "inline" : "none");
    }
    if (before) bends.push(bend(before, y - ROWS.gutter / 2, [ROWS.start, shift + row[0].entry]));
    before = [x + segments[last].right, shift + segments[last].exit, x + reachOf(segments, first, last) + 2];
    widest = Math.max(widest, rowWidth(segments, first, last));
    y += height + ROWS.gutter;
  }
  svg.querySelector(".bends").innerHTML = bends.map((d) => `<path class="edge" d="${d}"/>`).join("");
  const legend = placeLegend(svg, width, y - ROWS.gutter);
  return { width: Math.max(widest, legend.width), height: legend.height, rows: rows.length };
}

// The way of the edge from the end of a row to the start of the next.
function bend([x1, y1, end], middle, [x2, y2]) {
  const r = 6;
  return (
    `M${x1} ${y1}H${end}q${r} 0 ${r} ${r}V${middle - r}q0 ${r} ${-r} ${r}H${4 + r}` +
    `q${-r} 0 ${-r} ${r}V${y2 - r}q0 ${r} ${r} ${r}H${x2}`
  );
}

// The dashes that leave out the sides at which the outline of a frame is open; they begin at the left upper corner.
function dashes(frame, down) {
  const across = Number(frame.getAttribute("width"));
  const sides = [across, 0, down, 0, across, 0, down, 0];
  const open = frame.getAttribute("data-open");
  if (open.includes("right")) sides.splice(2, 2, 0, down);
  if (open.includes("left")) sides.splice(6, 2, 0, down);
  return sides.join(" ");
}

function placeLegend(svg, width, top) {
  const legend = svg.querySelector(".legend");
  const [left, line, gap] = ["left", "line", "gap"].map((name) => number(legend, name));
  let [x, y, widest] = [left, top + gap, 0];
  for (const entry of legend.querySelectorAll(".entry")) {
    const wide = number(entry, "width");
    if (x > left && x + wide > width) [x, y] = [left, y + line];
    entry.setAttribute("transform", `translate(${x} ${y})`);
    x += wide;
    widest = Math.max(widest, x);
  }
  return { width: Math.min(widest, width), height: y + line };
}
