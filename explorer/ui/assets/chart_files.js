// Adds a button to every chart of the page, which saves it as SVG, as PNG or as its data. The browser makes the files.
const CHARTS = '[data-testid="stPlotlyChart"], [data-testid="stVegaLiteChart"]';
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const SCALE = 3; // pixels of the PNG for a pixel of the page: 288 an inch
const OVERLAYS = ".hoverlayer, .zoomlayer"; // follow the pointer
const ICON = '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path fill="none" stroke="currentColor"'
  + ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round" d="M12 4v11m-5-5 5 5 5-5M5 20h14"/></svg>';

export default function ({ data: words }) {
  const page = document.explorerChartFiles ?? (document.explorerChartFiles = {});
  page.words = words;
  if (page.watcher) return;
  let waiting = false;
  const look = () => {
    waiting = false;
    for (const chart of document.querySelectorAll(CHARTS)) {
      if (!chart.querySelector(":scope > .chart-files") && drawn(chart)) chart.append(menuOf(chart, page));
    }
  };
  page.watcher = new MutationObserver(() => {
    if (!waiting) requestAnimationFrame(look);
    waiting = true;
  });
  page.watcher.observe(document.body, { subtree: true, childList: true });
  look();
}

function menuOf(chart, page) {
  const box = document.createElement("div");
  box.className = "chart-files";
  const button = box.appendChild(document.createElement("button"));
  const menu = box.appendChild(document.createElement("div"));
  const { words } = page;
  Object.assign(button, { type: "button", title: words.save, innerHTML: ICON });
  button.setAttribute("aria-label", words.save);
  button.setAttribute("aria-haspopup", "menu");
  menu.setAttribute("role", "menu");
  const open = (isOpen) => {
    menu.hidden = !isOpen;
    button.setAttribute("aria-expanded", isOpen);
  };
  open(false);
  for (const [kind, make] of Object.entries({ svg: svgFile, png: pngFile, csv: csvFile })) {
    const item = menu.appendChild(document.createElement("button"));
    Object.assign(item, { type: "button", textContent: words[kind] });
    item.setAttribute("role", "menuitem");
    item.onclick = async () => {
      open(false);
      button.focus();
      save(await make(chart), `${nameOf(chart)}.${kind}`);
    };
  }
  button.onclick = () => {
    open(menu.hidden);
    if (!menu.hidden) menu.firstChild.focus();
  };
  box.onkeydown = (event) => {
    const items = [...menu.children], place = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      open(false);
      button.focus();
    } else if (step && !menu.hidden) {
      items.at((place + step) % items.length).focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  box.onfocusout = (event) => {
    if (!box.contains(event.relatedTarget)) open(false);
  };
  return box;
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The key of the chart's element.
function nameOf(chart) {
  const keyed = chart.closest('[class*="st-key-"]');
  const key = keyed && [...keyed.classList].find((name) => name.startsWith("st-key-"));
  return key ? key.slice("st-key-".length).replace(/[^\w-]+/g, "-") : "chart";
}

function drawn(chart) {
  return chart.querySelector("svg.main-svg, .vega-embed svg, svg.marks");
}

function figureOf(chart) {
  const parts = [...chart.querySelectorAll("svg.main-svg")];
  return parts.length ? parts : [drawn(chart)];
}

// One SVG of all layers, on the page's background.
function svgOf(chart, fonts = "") {
  const sources = figureOf(chart), frame = sources[0].getBoundingClientRect();
  const svg = element("svg", { width: frame.width, height: frame.height, viewBox: `0 0 ${frame.width} ${frame.height}` });
  const ground = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
  svg.style.fontFamily = getComputedStyle(chart).fontFamily;
  if (fonts) svg.append(Object.assign(element("style", {}), { textContent: fonts }));
  svg.append(element("rect", { width: "100%", height: "100%", fill: ground }));
  const at = (source) => {
    const { left, top, width, height } = source.getBoundingClientRect();
    return { x: left - frame.left, y: top - frame.top, width, height };
  };
  for (const canvas of chart.querySelectorAll("canvas")) {
    svg.append(element("image", { ...at(canvas), href: canvas.toDataURL() }));
  }
  for (const source of sources) {
    const copy = source.cloneNode(true);
    for (const overlay of copy.querySelectorAll(OVERLAYS)) overlay.remove();
    copy.removeAttribute("style");
    for (const [name, value] of Object.entries(at(source))) copy.setAttribute(name, value);
    svg.append(copy);
  }
  return svg;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG_NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function svgFile(chart, fonts) {
  return new Blob([new XMLSerializer().serializeToString(svgOf(chart, fonts))], { type: "image/svg+xml" });
}

async function pngFile(chart) {
  const { width, height } = figureOf(chart)[0].getBoundingClientRect();
  const picture = new Image();
  picture.src = URL.createObjectURL(svgFile(chart, await fontsOf(chart)));
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * SCALE);
  canvas.height = Math.round(height * SCALE);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(picture.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// The page's font as part of the picture: a picture can't use the fonts of the page around it.
async function fontsOf(chart) {
  const [family] = getComputedStyle(chart).fontFamily.split(",");
  const plain = family.replace(/["']/g, "").trim();
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const faces = rules.filter((rule) => {
    const { style } = rule;
    if (!(rule instanceof CSSFontFaceRule)) return false;
    return style.fontFamily.replace(/["']/g, "") === plain && !style.fontStyle.includes("italic");
  });
  const written = faces.map(async (rule) => {
    const url = new URL(/url\("?([^")]+)/.exec(rule.style.src)[1], rule.parentStyleSheet.href ?? document.baseURI);
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    const weight = rule.style.fontWeight || "normal";
    return `@font-face{font-family:"${plain}";font-weight:${weight};src:url(data:font/woff2;base64,${btoa(text)})}`;
  });
  return (await Promise.all(written).catch(() => [])).join("");
}

function csvFile(chart) {
  const graph = chart.querySelector(".js-plotly-plot");
  const rows = graph ? plotlyRows(graph) : vegaRows(drawn(chart));
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  const text = lines.map((line) => line.map(cell).join(",")).join("\r\n");
  return new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }); // the mark tells Excel that it is UTF-8
}

// A text that begins like a formula gets an apostrophe, so that a spreadsheet does not compute it.
function cell(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "";
  let text = value instanceof Date ? value.toISOString() : String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plotlyRows(graph) {
  const { xaxis, yaxis } = graph._fullLayout;
  const title = (axis, name) => plain(axis?.title?.text) || name;
  const x = title(xaxis, "x"), y = title(yaxis, "y") === title(xaxis, "x") ? "y" : title(yaxis, "y");
  const visible = graph._fullData.filter((trace) => trace.visible === true);
  const answering = visible.filter((trace) => trace.hoverinfo !== "skip"); // the others only join or frame them
  return (answering.length ? answering : visible).flatMap((trace) => {
    const name = { series: plain(trace.name) };
    if (trace.type === "parcoords") {
      const { dimensions } = trace;
      return Array.from(dimensions[0].values, (_value, row) => {
        return Object.fromEntries(dimensions.map(({ label, values }) => [plain(label), values[row]]));
      });
    }
    if (trace.z) {
      return [...trace.z].flatMap((line, row) => Array.from(line, (value, column) => {
        return { [x]: trace.x?.[column] ?? column, [y]: trace.y?.[row] ?? row, value };
      }));
    }
    const length = Math.max(trace.x?.length ?? 0, trace.y?.length ?? 0);
    return Array.from({ length }, (_value, index) => {
      const row = { ...name, [x]: trace.x?.[index] ?? index, [y]: trace.y?.[index] ?? index };
      if (typeof trace.customdata?.[index] === "string") row.name = trace.customdata[index];
      else if (Array.isArray(trace.text)) row.text = plain(trace.text[index]);
      return row;
    });
  });
}

// Plotly's texts may have tags.
function plain(text) {
  return text === undefined || text === null ? "" : String(text).replace(/<br\s*\/?>/g, " ").replace(/<[^>]*>/g, "");
}

// The rows of data behind the marks, which Vega keeps at its elements.
function vegaRows(svg) {
  const rows = new Set();
  for (const node of svg.querySelectorAll(".role-mark *")) {
    for (const item of node.__data__?.mark?.items ?? []) {
      if (item.datum && typeof item.datum === "object") rows.add(item.datum);
    }
  }
  const own = ([name, value]) => typeof value !== "object" && !/^_|_(start|end|sort_index)$|^\(index\)$/.test(name);
  return [...rows].map((row) => Object.fromEntries(Object.entries(row).filter(own)));
}
