// Shows what the table knows of the chosen runs, until their details from the server are on the page.
export default function ({ data, parentElement }) {
  const choice = runChoice();
  const place = parentElement.querySelector(".preview");
  const [title, list, figure] = ["h2", "ul", "figure"].map((name) => place.querySelector(name));
  const [caption, svg] = [figure.querySelector("figcaption"), figure.querySelector("svg")];
  const [top, bottom] = figure.querySelectorAll("span");
  const MOST = 6; // runs that are described; the others are counted
  const text = (cell) => (Array.isArray(cell) ? cell[1] : cell);

  function line({ name, status, best, test, network, data: images }, position, isSingle) {
    const row = document.createElement("li");
    row.style.setProperty("--colour", data.colours[position % data.colours.length]);
    row.appendChild(document.createElement("i"));
    const words = row.appendChild(document.createElement("span"));
    const results = [[data.labels.best, best], [data.labels.test, test]].filter(([, cell]) => cell);
    if (!isSingle) words.append(`${name} `);
    const rest = words.appendChild(document.createElement("span"));
    rest.className = "faint";
    rest.textContent = [status, network, images, ...results.map(([label, cell]) => `${label} ${text(cell)}`)].join(" · ");
    return row;
  }

  function draw(runs) {
    const lines = runs.map((run) => run?.line ?? []);
    const points = lines.flat();
    figure.hidden = points.length < 2;
    if (figure.hidden) return;
    const [epochs, values] = [points.map(([epoch]) => epoch), points.map(([, value]) => value)];
    const [first, last, low, high] = [Math.min(...epochs), Math.max(...epochs), Math.min(...values), Math.max(...values)];
    const x = (epoch) => (100 * (epoch - first)) / (last - first || 1);
    const y = (value) => 100 - (100 * (value - low)) / (high - low || 1);
    top.textContent = `${(100 * high).toFixed(1)}%`;
    bottom.textContent = `${(100 * low).toFixed(1)}%`;
    svg.replaceChildren(
      ...lines.map((found, position) => {
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.style.setProperty("--colour", data.colours[position % data.colours.length]);
        path.setAttribute("d", found.map(([epoch, value], index) => `${index ? "L" : "M"}${x(epoch)} ${y(value)}`).join(""));
        return path;
      }),
    );
  }

  function show() {
    place.hidden = !choice.pending;
    if (!choice.pending) {
      delete document.body.dataset.explorerRunsPending;
      return;
    }
    document.body.dataset.explorerRunsPending = ""; // hides the heading of the last choice, and dims its details
    const runs = choice.chosen.map((id) => choice.rows.get(id));
    const known = runs.map((run, position) => [run?.cells, position]).filter(([cells]) => cells);
    const isSingle = runs.length === 1;
    title.textContent = isSingle ? runs[0]?.cells.name ?? "" : runs.length ? data.labels.count.replace("{count}", runs.length) : data.labels.empty;
    list.replaceChildren(...known.slice(0, MOST).map(([cells, position]) => line(cells, position, isSingle)));
    caption.textContent = data.labels.curve;
    draw(runs);
  }

  const leave = choice.join("preview", show);
  return () => {
    leave();
    delete document.body.dataset.explorerRunsPending;
  };
}
