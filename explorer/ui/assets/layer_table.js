// The table of layers. Rows are chosen with pointer or keyboard; a click on a heading sorts.
const ARROWS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export default function ({ data, parentElement, setTriggerValue }) {
  const choice = layerChoice();
  const scroller = parentElement.querySelector(".scroller");
  const head = parentElement.querySelector(".head");
  const body = parentElement.querySelector(".body");
  const search = parentElement.querySelector("input");
  const count = parentElement.querySelector(".count");
  const save = parentElement.querySelector("button.save");
  const numbers = new Intl.NumberFormat(data.language);
  // Kept from one run of the script to the next.
  const state = (body.explorerTable ??= { rows: new Map(), sort: null, marked: {}, active: "", version: "", keys: "" });
  const keys = data.columns.map((column) => column.key).join();

  search.placeholder = data.labels.search;
  search.ariaLabel = data.labels.search;
  save.textContent = data.labels.save;
  scroller.ariaLabel = data.labels.table;
  // The least widths are the same in all rows, so that columns line up although each row is a grid of its own.
  scroller.style.setProperty("--columns", data.columns.map(({ width }) => `minmax(${width}rem, ${width}fr)`).join(" "));
  scroller.style.setProperty("--width", `${data.columns.reduce((sum, { width }) => sum + width, 0)}rem`);
  scroller.ariaRowCount = data.rows.length + 1;

  const text = (value) => (value === null ? "–" : typeof value === "number" ? numbers.format(value) : value);

  function order() {
    const wanted = search.value.trim().toLowerCase();
    const found = data.rows
      .map((row, position) => ({ row, position }))
      .filter(({ row }) => !wanted || row.some((value) => String(value ?? "").toLowerCase().includes(wanted)));
    if (state.sort) {
      const [column, direction] = state.sort;
      found.sort(({ row: a, position: i }, { row: b, position: j }) => {
        const [one, other] = [a[column], b[column]];
        if (one === other) return i - j;
        if (one === null || other === null) return one === null ? 1 : -1;
        return direction * (typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), data.language, { numeric: true }));
      });
    }
    return found;
  }

  function cell(role, value, column) {
    const element = document.createElement("span");
    element.role = role;
    const place = role === "rowheader" ? element.appendChild(document.createElement("bdi")) : element;
    place.textContent = text(value);
    if (role === "rowheader") element.title = text(value);
    if (column.number) element.className = "number";
    return element;
  }

  function fill() {
    state.rows.clear();
    const found = order();
    body.replaceChildren(
      ...found.map(({ row, position }) => {
        const element = document.createElement("div");
        element.role = "row";
        element.ariaRowIndex = position + 2;
        element.dataset.layer = row[0];
        element.tabIndex = -1;
        element.ariaSelected = "false";
        element.append(...data.columns.map((column, index) => cell(index ? "gridcell" : "rowheader", row[index], column)));
        state.rows.set(row[0], element);
        return element;
      }),
    );
    count.textContent = found.length === data.rows.length ? "" : data.labels.count.replace("{found}", found.length).replace("{all}", data.rows.length);
    state.marked = {};
    if (!state.rows.has(state.active)) state.active = found[0]?.row[0] ?? "";
    if (state.rows.has(state.active)) state.rows.get(state.active).tabIndex = 0;
    mark();
  }

  function mark() {
    for (const kind of ["chosen", "pointed"]) {
      const row = state.rows.get(choice[kind]);
      if (row === state.marked[kind]) continue;
      state.marked[kind]?.classList.remove(kind);
      row?.classList.add(kind);
      if (kind === "chosen") {
        if (state.marked[kind]) state.marked[kind].ariaSelected = "false";
        if (row) row.ariaSelected = "true";
        if (row && !body.matches(":hover")) reveal(row);
      }
      state.marked[kind] = row;
    }
  }

  function reveal(row) {
    const [top, bottom] = [row.offsetTop - head.offsetHeight, row.offsetTop + row.offsetHeight];
    if (top < scroller.scrollTop || bottom > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = top - scroller.clientHeight / 3;
  }

  function focus(name) {
    if (state.rows.has(state.active)) state.rows.get(state.active).tabIndex = -1;
    state.active = name;
    const row = state.rows.get(name);
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
    reveal(row);
  }

  function choose(name) {
    setTriggerValue("choose", choice.choose(name));
  }

  function headings() {
    head.replaceChildren(
      ...data.columns.map((column, index) => {
        const button = document.createElement("button");
        const direction = state.sort?.[0] === index ? state.sort[1] : 0;
        button.type = "button";
        button.textContent = column.title + (direction ? (direction > 0 ? " ↑" : " ↓") : "");
        button.title = column.help;
        const element = document.createElement("span");
        element.role = "columnheader";
        element.ariaSort = direction ? (direction > 0 ? "ascending" : "descending") : "none";
        if (column.number) element.className = "number";
        element.append(button);
        button.onclick = () => {
          // Numbers are sorted from the largest first; a third click restores the order of the network.
          const first = column.number ? -1 : 1;
          state.sort = !direction ? [index, first] : direction === first ? [index, -first] : null;
          headings();
          fill();
          head.children[index].firstChild.focus();
        };
        return element;
      }),
    );
  }

  body.onpointerover = (event) => choice.point(event.target.closest("[data-layer]")?.dataset.layer ?? "");
  body.onpointerleave = () => choice.point("");
  body.onclick = (event) => {
    const row = event.target.closest("[data-layer]");
    if (!row || getSelection().toString()) return; // a user who copies a number chooses nothing
    focus(row.dataset.layer);
    choose(row.dataset.layer);
  };
  body.onkeydown = (event) => {
    const row = event.target.closest("[data-layer]");
    if (!row) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(row.dataset.layer);
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const names = [...state.rows.keys()];
      const next = names.indexOf(row.dataset.layer) + ARROWS[event.key];
      focus(names[Math.min(Math.max(next, 0), names.length - 1)]);
    }
  };
  search.oninput = fill;
  save.onclick = () => {
    const quoted = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    const lines = [data.columns.map((column) => column.key), ...order().map(({ row }) => row)];
    const csv = lines.map((line) => line.map((value) => quoted(String(value ?? ""))).join(",")).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${csv}\n`], { type: "text/csv" }));
    link.download = data.file;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  if (state.version !== data.version || state.keys !== keys) {
    if (state.keys !== keys) state.sort = null;
    state.version = data.version;
    state.keys = keys;
    headings();
    fill();
  }
  return choice.join("table", mark);
}
