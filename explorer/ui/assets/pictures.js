// Shows pictures side by side, and reports the one that the user chooses.
const STEPS_IN_ROW = { ArrowRight: 1, ArrowLeft: -1 };
const STEPS_OF_ROWS = { ArrowDown: 1, ArrowUp: -1 };

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  grid.style.setProperty("--side", `${data.side}px`);
  grid.classList.toggle("strip", data.strip);
  grid.classList.toggle("row", data.row);
  const focused = cells().indexOf(grid.getRootNode().activeElement);

  const pictures = JSON.stringify([data.items, data.buttons]);
  if (grid.shown !== pictures) {
    grid.replaceChildren(...data.items.map(data.buttons ? button : figure));
    grid.shown = pictures;
    grid.sent = null;
    if (focused >= 0 && cells()[focused]) cells()[focused].focus({ preventScroll: true });
  }
  if (data.buttons) {
    if (data.chosen === grid.sent) grid.sent = null; // the server knows of the last choice
    const chosen = grid.sent ?? data.chosen;
    const first = focused >= 0 ? focused : chosen ?? 0;
    mark(chosen);
    cells().forEach((cell, index) => {
      cell.tabIndex = index === first ? 0 : -1;
    });
  }

  function mark(chosen) {
    cells().forEach((cell, index) => cell.setAttribute("aria-pressed", index === chosen));
  }

  function cells() {
    return [...grid.children];
  }

  function figure(item) {
    return framed("figure", item, "figcaption");
  }

  function button(item) {
    const cell = framed("button", item, "span");
    cell.type = "button";
    return cell;
  }

  function framed(tag, item, below) {
    const cell = document.createElement(tag);
    const image = document.createElement("img");
    image.alt = item.alt;
    image.onload = () => image.classList.toggle("small", image.naturalWidth < data.side);
    image.src = item.url;
    image.draggable = false;
    cell.append(image);
    if (item.label) {
      const line = document.createElement(below);
      line.textContent = line.title = item.label;
      if (tag === "button") line.ariaHidden = "true"; // the alternative text of the picture names the button
      cell.append(line);
    }
    return cell;
  }

  function pick(index) {
    if (data.chosen !== null) {
      grid.sent = index;
      mark(index); // at once; the answer of the server follows
    }
    const { url, label } = data.items[index];
    const number = data.previews ? pictureChoice().choose({ index, url, label }) : 0;
    setTriggerValue("pick", { index, number });
  }

  function focus(cell) {
    for (const other of cells()) other.tabIndex = other === cell ? 0 : -1;
    cell.focus();
  }

  grid.onclick = (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    focus(cell);
    pick(cells().indexOf(cell));
  };

  grid.onkeydown = (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    const all = cells();
    const row = all.filter((other) => other.offsetTop === all[0].offsetTop).length;
    const steps = (STEPS_IN_ROW[event.key] ?? 0) + row * (STEPS_OF_ROWS[event.key] ?? 0);
    const next = { Home: 0, End: all.length - 1 }[event.key] ?? (steps ? all.indexOf(cell) + steps : null);
    if (next === null) return;
    event.preventDefault();
    if (all[next]) focus(all[next]);
  };
}
