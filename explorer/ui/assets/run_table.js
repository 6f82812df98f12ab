// The table of runs. A click on a row chooses the run alone, a click on its box adds or removes it; Shift extends the
// choice to all rows between. Enter and Space do the same for the row with the focus. A click on a heading sorts.
const WORDS = ["network", "recipe"]; // columns whose cells have several lines, like the names
const SCROLL_BAR = 18; // pixels, with the frame
const ARROWS = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6, Home: -Infinity, End: Infinity };

export default function ({ data, parentElement, setTriggerValue }) {
  const choice = runChoice();
  const scroller = parentElement.querySelector(".scroller");
  const head = parentElement.querySelector(".head");
  const body = parentElement.querySelector(".body");
  const note = parentElement.querySelector(".note");
  // Kept from one run of the script to the next.
  const state = (body.explorerTable ??= { elements: new Map(), sort: null, active: "", anchor: "", headings: "" });

  scroller.ariaLabel = data.labels.table;
  scroller.ariaRowCount = data.rows.length + 1;
  const [first, ...others] = data.columns.map(({ width }) => `${width}rem`);
  scroller.style.setProperty("--columns", [`var(--first, ${first})`, ...others.slice(0, -1), `minmax(${others.at(-1)}, 1fr)`].join(" "));
  // A cell is a text, or a number and its text.
  const text = (cell) => (Array.isArray(cell) ? cell[1] : cell) ?? data.labels.none;
  const value = (cell) => (Array.isArray(cell) ? cell[0] : cell);
  choice.rows = new Map(data.rows.map((row) => [row.id, { ...row, cells: Object.fromEntries(data.columns.map(({ key }, index) => [key, row.cells[index]])) }]));

  function order() {
    if (!state.sort) return data.rows;
    const [column, direction] = state.sort;
    return data.rows
      .map((row, position) => [value(row.cells[column]), position, row])
      .sort(([one, i], [other, j]) => {
        if (one === other) return i - j;
        if (one === null || other === null) return one === null ? 1 : -1;
        return direction * (typeof one === "number" ? one - other : one.localeCompare(other, data.language, { numeric: true }));
      })
      .map(([, , row]) => row);
  }

  function make(id) {
    const row = document.createElement("div");
    row.role = "row";
    row.dataset.run = id;
    row.tabIndex = -1;
    row.append(
      ...data.columns.map((column, index) => {
        const cell = document.createElement("span");
        cell.role = index ? "gridcell" : "rowheader";
        if (column.number) cell.className = "number";
        if (column.key === "progress") cell.className = "progress";
        if (WORDS.includes(column.key)) cell.className = "words";
        if (index === 0) {
          const box = cell.appendChild(document.createElement("span"));
          box.className = "box";
          cell.appendChild(document.createElement("span")).className = "name";
        }
        return cell;
      }),
    );
    return row;
  }

  function update(element, cells) {
    cells.forEach((cell, index) => {
      const place = index ? element.children[index] : element.firstChild.lastChild;
      const words = text(cell);
      if (place.textContent === words) return;
      place.textContent = words;
      if (!data.columns[index].number) place.title = words;
      if (data.columns[index].key === "progress") place.style.setProperty("--share", `${value(cell)}%`);
    });
  }

  // Rows that stay are changed in place, so that neither focus nor pointer lose them when the table polls.
  function fill() {
    const rows = order();
    const focused = body.contains(body.getRootNode().activeElement);
    const elements = new Map(rows.map(({ id }) => [id, state.elements.get(id) ?? make(id)]));
    rows.forEach(({ id, cells }, position) => {
      update(elements.get(id), cells);
      elements.get(id).ariaRowIndex = position + 2;
    });
    const wanted = [...elements.values()];
    if (wanted.length !== body.children.length || wanted.some((row, position) => row !== body.children[position])) {
      const top = scroller.scrollTop;
      body.replaceChildren(...wanted);
      scroller.scrollTop = top;
    }
    state.elements = elements;
    fit();
    if (!elements.has(state.active)) state.active = rows.find(({ id }) => choice.chosen.includes(id))?.id ?? rows[0]?.id ?? "";
    for (const [id, row] of elements) row.tabIndex = id === state.active ? 0 : -1;
    if (focused) elements.get(state.active)?.focus({ preventScroll: true });
  }

  // The first rows are in sight in full, however many lines they have; a shadow shows that columns go on to the right.
  function fit() {
    const rows = [head, ...[...body.children].slice(0, data.shown)];
    const height = `${rows.reduce((sum, row) => sum + row.offsetHeight, SCROLL_BAR)}px`;
    if (scroller.style.maxHeight !== height) scroller.style.maxHeight = height;
    scroller.parentElement.toggleAttribute("data-more", scroller.scrollLeft + scroller.clientWidth < scroller.scrollWidth - 1);
  }

  function mark() {
    const chosen = new Set(choice.chosen);
    let marked = 0;
    for (const [id, row] of state.elements) {
      row.ariaSelected = String(chosen.has(id));
      marked += chosen.has(id);
    }
    const box = head.querySelector(".box");
    if (box) box.ariaChecked = marked ? (marked === state.elements.size ? "true" : "mixed") : "false";
  }

  function headings() {
    head.replaceChildren(
      ...data.columns.map((column, index) => {
        const direction = state.sort?.[0] === index ? state.sort[1] : 0;
        const heading = document.createElement("span");
        heading.role = "columnheader";
        heading.ariaSort = direction ? (direction > 0 ? "ascending" : "descending") : "none";
        if (column.number) heading.className = "number";
        if (index === 0) {
          const all = heading.appendChild(document.createElement("button"));
          all.type = "button";
          all.className = "box";
          all.role = "checkbox";
          all.ariaLabel = all.title = data.labels.all;
          all.onclick = () => {
            const here = [...state.elements.keys()];
            const hidden = choice.chosen.filter((id) => !state.elements.has(id));
            const isWhole = here.every((id) => choice.chosen.includes(id));
            choose(isWhole ? hidden : [...new Set([...choice.chosen, ...here])]);
          };
        }
        const button = heading.appendChild(document.createElement("button"));
        button.type = "button";
        button.textContent = column.title + (direction ? (direction > 0 ? " ↑" : " ↓") : "");
        button.title = column.help;
        button.onclick = () => {
          // Numbers are sorted from the largest first; a third click restores the newest first.
          const start = column.number ? -1 : 1;
          state.sort = !direction ? [index, start] : direction === start ? [index, -start] : null;
          headings();
          fill();
          mark();
          head.children[index].lastChild.focus();
        };
        return heading;
      }),
    );
  }

  function choose(jobs) {
    note.textContent = jobs.length > data.most ? data.labels.most : "";
    setTriggerValue("choose", choice.choose(jobs.slice(0, data.most)));
  }

  function toggle(id) {
    state.anchor = id;
    choose(choice.chosen.includes(id) ? choice.chosen.filter((other) => other !== id) : [...choice.chosen, id]);
  }

  function alone(id) {
    state.anchor = id;
    choose(choice.chosen.length === 1 && choice.chosen[0] === id ? [] : [id]);
  }

  function extend(id) {
    const ids = [...state.elements.keys()];
    const ends = [ids.indexOf(state.anchor), ids.indexOf(id)];
    if (ends[0] < 0) return toggle(id);
    const between = ids.slice(Math.min(...ends), Math.max(...ends) + 1);
    choose([...new Set([...choice.chosen, ...between])]);
  }

  function focus(id) {
    const before = state.elements.get(state.active);
    if (before) before.tabIndex = -1;
    state.active = id;
    const row = state.elements.get(id);
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
    const [top, bottom] = [row.offsetTop - head.offsetHeight, row.offsetTop + row.offsetHeight];
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (bottom > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = bottom - scroller.clientHeight;
  }

  body.onmousedown = (event) => {
    if (event.shiftKey) event.preventDefault(); // Shift extends the choice, not the selected text
  };
  body.onclick = (event) => {
    const id = event.target.closest("[data-run]")?.dataset.run;
    if (!id || getSelection().toString()) return; // a user who copies a number chooses nothing
    focus(id);
    if (event.shiftKey) extend(id);
    else if (event.ctrlKey || event.metaKey || event.target.closest(".box")) toggle(id);
    else alone(id);
  };
  body.onkeydown = (event) => {
    const id = event.target.closest("[data-run]")?.dataset.run;
    if (!id) return;
    if (event.key === " ") toggle(id);
    else if (event.key === "Enter") alone(id);
    else if (event.key in ARROWS) {
      const ids = [...state.elements.keys()];
      focus(ids[Math.min(Math.max(ids.indexOf(id) + ARROWS[event.key], 0), ids.length - 1)]);
      if (event.shiftKey) extend(state.active);
    } else return;
    event.preventDefault();
  };

  const columns = JSON.stringify(data.columns);
  if (state.headings !== columns) {
    state.headings = columns;
    state.elements = new Map();
    headings();
  }
  choice.follow(data.chosen, data.number, data.session);
  fill();
  scroller.onscroll = fit;
  const observer = new ResizeObserver(fit);
  observer.observe(scroller);
  const leave = choice.join("table", mark);
  return () => {
    observer.disconnect();
    leave();
  };
}
