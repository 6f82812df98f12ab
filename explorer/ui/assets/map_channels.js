// The channels of a layer, the chosen one close up, and what its chosen unit sees, from values that came with the page.
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
const ROW_STEPS = { ArrowDown: 1, ArrowUp: -1 };
const AXES = ["channel", "row", "column"];
const LEVELS = 65535; // of a value between the least and the most of its channel
const DIGITS = 4; // significant ones of the largest value of a channel

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const choice = unitChoice();
  const find = (name) => parentElement.querySelector(`.${name}`);
  const [grid, close, field] = [find("grid"), find("close"), find("field")];
  const [channels, rows, columns] = data.shape;
  const palette = bytesOf(data.palette);
  const inputs = [...parentElement.querySelectorAll("input")];
  const [allRows, allColumns] = data.sides; // pixels of the picture
  const fill = (words, parts) => words.replace(/\{(\w+)\}/g, (_all, name) => parts[name]);

  // Returns the map of a channel, or null if the page does not have it.
  function mapOf(channel) {
    const sent = choice.extra;
    if (sent?.version === data.version && sent.channel === channel) {
      return { ...sent, levels: (sent.levels ??= new Uint16Array(bytesOf(sent.values).buffer)), rows, columns };
    }
    const place = data.channels.findIndex((one) => one.channel === channel);
    if (place < 0) return null;
    const { height, width } = data.sent;
    const levels = levelsOfAll().subarray(place * height * width, (place + 1) * height * width);
    return { ...data.channels[place], levels, rows: height, columns: width };
  }

  function levelsOfAll() {
    if (grid.version !== data.version) grid.levels = new Uint16Array(bytesOf(data.sent.values).buffer);
    grid.version = data.version;
    return grid.levels;
  }

  function paint(canvas, map) {
    const [least, most] = data.alike ?? [map.least, map.most];
    const span = most - least || 1;
    const picture = new ImageData(map.columns, map.rows);
    map.levels.forEach((level, place) => {
      const value = map.least + ((map.most - map.least) * level) / LEVELS;
      const colour = 3 * Math.round(255 * Math.min(Math.max((value - least) / span, 0), 1));
      picture.data.set([palette[colour], palette[colour + 1], palette[colour + 2], 255], 4 * place);
    });
    canvas.style.aspectRatio = `${columns} / ${rows}`;
    canvas.width = map.columns;
    canvas.height = map.rows;
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.classList.toggle("smooth", map.rows !== rows);
  }

  // Returns a value of a map in words, or null if the map came at a lower resolution.
  function valueAt(map, row, column) {
    if (map.rows !== rows || map.columns !== columns) return null;
    const value = map.least + ((map.most - map.least) * map.levels[row * columns + column]) / LEVELS;
    const largest = Math.max(Math.abs(map.least), Math.abs(map.most));
    if (!largest || !value) return "0";
    const decimals = Math.min(Math.max(DIGITS - 1 - Math.floor(Math.log10(largest)), 0), 12);
    return String(Number(value.toFixed(decimals))).replace("-", "−");
  }

  // Returns the rows and columns that a unit sees, which may lie outside the picture, and the part inside it.
  function windowOf(row, column) {
    if (!data.spans) return { full: null, seen: { top: 0, bottom: allRows - 1, left: 0, right: allColumns - 1 } };
    const [[top, bottom], [left, right]] = [data.spans.rows[row], data.spans.columns[column]];
    const seen = { top: Math.max(top, 0), bottom: Math.min(bottom, allRows - 1), left: Math.max(left, 0), right: Math.min(right, allColumns - 1) };
    return {
      full: { rows: bottom - top + 1, columns: right - left + 1 },
      seen: seen.top > seen.bottom || seen.left > seen.right ? null : seen,
    };
  }

  function sentence({ full, seen }) {
    if (!full) return data.words.unknown;
    if (!seen) return data.words.padding;
    const parts = { ...full, ...seen, all_rows: allRows, all_columns: allColumns, height: seen.bottom - seen.top + 1, width: seen.right - seen.left + 1 };
    if (parts.height === full.rows && parts.width === full.columns) return fill(data.words.inside, parts);
    return fill(full.rows > allRows || full.columns > allColumns ? data.words.larger : data.words.cut, parts);
  }

  function frame(element, top, bottom, left, right, size) {
    const percent = (part, whole) => `${(100 * part) / whole}%`;
    element.style.top = percent(top, size[0]);
    element.style.left = percent(left, size[1]);
    element.style.height = percent(bottom - top + 1, size[0]);
    element.style.width = percent(right - left + 1, size[1]);
  }

  function draw() {
    if (choice.version !== data.version) return; // the unit of another layer; the next message has this one's
    const [channel, row, column] = choice.unit;
    [...grid.children].forEach((cell, place) => cell.setAttribute("aria-pressed", data.channels[place].channel === channel));
    const parts = { channel, row, column };
    find("unit").textContent = fill(data.words.heading, parts);
    inputs.forEach((input, axis) => {
      if (input !== input.getRootNode().activeElement) input.value = choice.unit[axis];
    });
    const map = mapOf(channel);
    if (map) paint(close.querySelector("canvas"), map);
    close.classList.toggle("waiting", !map);
    close.querySelector("button").ariaLabel = fill(data.words.close, parts);
    close.querySelector("figcaption").textContent = fill(data.words.click, parts);
    frame(close.querySelector(".mark"), row, row, column, column, [rows, columns]);
    const window = windowOf(row, column);
    const [seen, words] = [window.seen, sentence(window)];
    field.querySelector(".picture").ariaLabel = words;
    field.querySelector(".mark").hidden = !seen;
    field.querySelector(".bright").hidden = !seen;
    if (seen) {
      frame(field.querySelector(".mark"), seen.top, seen.bottom, seen.left, seen.right, data.sides);
      const inset = [seen.top / allRows, 1 - (seen.right + 1) / allColumns, 1 - (seen.bottom + 1) / allRows, seen.left / allColumns];
      field.querySelector(".bright").style.clipPath = `inset(${inset.map((part) => `${100 * part}%`).join(" ")})`;
    }
    const value = map && valueAt(map, row, column);
    find("value").textContent = `${value === null ? data.words.waiting : fill(data.words.value, { value })} ${words}`;
  }

  function choose(channel, row, column) {
    setTriggerValue("choose", choice.choose([channel, row, column]));
  }

  // Returns the row and column under the pointer; those of the chosen unit after a choice by keyboard.
  function placeOf(event, canvas) {
    if (!event.detail) return choice.unit.slice(1);
    const box = canvas.getBoundingClientRect();
    const [down, across] = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    if (!(down >= 0 && down < 1 && across >= 0 && across < 1)) return choice.unit.slice(1);
    return [Math.floor(down * rows), Math.floor(across * columns)];
  }

  function focus(cell) {
    for (const other of grid.children) other.tabIndex = other === cell ? 0 : -1;
    cell.focus();
  }

  grid.onclick = (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    focus(cell);
    choose(Number(cell.dataset.channel), ...placeOf(event, cell.querySelector("canvas")));
  };
  grid.onkeydown = (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    const all = [...grid.children];
    const width = all.filter((other) => other.offsetTop === all[0].offsetTop).length;
    const steps = (STEPS[event.key] ?? 0) + width * (ROW_STEPS[event.key] ?? 0);
    const next = { Home: 0, End: all.length - 1 }[event.key] ?? (steps ? all.indexOf(cell) + steps : null);
    if (next === null) return;
    event.preventDefault();
    if (all[next]) focus(all[next]);
  };
  close.onclick = (event) => {
    const canvas = event.target.closest("button")?.querySelector("canvas");
    if (canvas) choose(choice.unit[0], ...placeOf(event, canvas));
  };
  inputs.forEach((input, axis) => {
    input.max = [channels, rows, columns][axis] - 1;
    input.previousElementSibling.textContent = data.words[AXES[axis]];
    input.oninput = () => {
      if (input.value === "" || !input.validity.valid) return;
      const unit = [...choice.unit];
      unit[axis] = Number(input.value);
      choose(...unit);
    };
    input.onblur = draw; // a number that is not allowed gives way to the chosen one
  });

  const looks = data.version + data.alike;
  if (grid.looks !== looks) {
    grid.looks = looks;
    grid.replaceChildren(
      ...data.channels.map((one) => {
        const cell = document.createElement("button");
        cell.type = "button";
        cell.ariaLabel = one.alt;
        cell.dataset.channel = one.channel;
        cell.tabIndex = -1;
        const canvas = cell.appendChild(document.createElement("canvas"));
        const label = cell.appendChild(document.createElement("span"));
        label.textContent = one.label;
        label.ariaHidden = "true"; // the name of the button has the numbers
        const { height, width } = data.sent;
        const place = data.channels.indexOf(one);
        const levels = levelsOfAll().subarray(place * height * width, (place + 1) * height * width);
        paint(canvas, { ...one, levels, rows: height, columns: width });
        return cell;
      }),
    );
    grid.ariaLabel = data.words.grid;
    find("note").textContent = data.words.note;
    for (const image of field.querySelectorAll("img")) {
      image.src = data.image;
      image.classList.toggle("small", Math.max(...data.sides) <= 64);
      image.style.aspectRatio = `${allColumns} / ${allRows}`;
    }
    field.querySelector("figcaption").textContent = data.words.sees;
    parentElement.querySelector(".channels").style.setProperty("--mark", data.mark);
  }
  const pressed = data.channels.findIndex((one) => one.channel === choice.unit[0]);
  const focused = [...grid.children].findIndex((cell) => cell === grid.getRootNode().activeElement);
  [...grid.children].forEach((cell, place) => {
    cell.tabIndex = place === (focused >= 0 ? focused : Math.max(pressed, 0)) ? 0 : -1;
  });
  return choice.join("channels", draw);
}
