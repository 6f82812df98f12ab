// Small elements and charts for the bar of a class. All text is set as text, so no answer can bring markup.
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function choiceChart(question, round) {
  const total = Math.max(1, ...question.rounds.flatMap((one) => one.counts)); // one scale for all rounds
  return el("table", { class: "chart" }, ...question.options.map((option, place) => {
    const right = question.right === place;
    const bar = el("span", { class: `bar${right ? " right" : ""}` });
    bar.style.width = `${(100 * round.counts[place]) / total}%`;
    return el("tr", {}, el("th", { scope: "row" }, option, right ? " ✓" : null), el("td", { class: "wide" }, bar), el("td", {}, String(round.counts[place])));
  }));
}

// Numbers as dots in 24 bins over an axis from the smallest to the largest of all rounds; the right one is a line.
function numberChart(question, round, words) {
  const values = round.values;
  if (!values.length) return el("p", { class: "faint" }, words.none);
  const all = question.rounds.flatMap((one) => one.values);
  const known = typeof question.right === "number" ? [...all, question.right] : all;
  const low = Math.min(...known);
  const high = Math.max(...known);
  const place = (value) => (high > low ? (value - low) / (high - low) : 0.5);
  const bins = Array(24).fill(0);
  const plot = el("div", { class: "dots", role: "img", "aria-label": values.join(", ") });
  for (const value of values) {
    const bin = Math.min(23, Math.floor(24 * place(value)));
    const dot = el("i", { title: String(value) });
    dot.style.left = `${(100 * (bin + 0.5)) / 24}%`;
    dot.style.bottom = `${10 * bins[bin]}px`;
    bins[bin] += 1;
    plot.append(dot);
  }
  plot.style.height = `${Math.max(30, 10 * Math.max(...bins) + 4)}px`;
  if (typeof question.right === "number") {
    const mark = el("b", { title: `✓ ${question.right}` });
    mark.style.left = `${100 * ((Math.min(23, Math.floor(24 * place(question.right))) + 0.5) / 24)}%`;
    plot.append(mark);
  }
  const half = values.length / 2;
  const middle = (values[Math.ceil(half) - 1] + values[Math.floor(half)]) / 2;
  const right = typeof question.right === "number" ? ` · ✓ ${question.right}` : "";
  const ends = el("div", { class: "ends" }, el("span", {}, String(low)), el("span", {}, fill(words.median, { value: Number(middle.toPrecision(12)) }), right), el("span", {}, high > low ? String(high) : ""));
  return el("div", {}, plot, ends);
}

// Calls choose([x, y]) with the place of a click, as shares of width and height from the top left.
function choosePlace(frame, choose) {
  frame.classList.add("asks");
  frame.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    const share = (value) => Math.min(1, Math.max(0, value));
    choose([share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)]);
  });
}

function placeChart(question, round, picture, mark) {
  const frame = el("div", { class: "picture" }, el("img", { src: picture, alt: "" }));
  if (mark) choosePlace(frame, mark);
  const dot = ([x, y], kind) => {
    const made = el("i", { class: kind });
    made.style.left = `${100 * x}%`;
    made.style.top = `${100 * y}%`;
    frame.append(made);
  };
  for (const one of round.places) dot(one, "place");
  if (Array.isArray(question.right)) dot(question.right, "place right");
  return frame;
}

// The teacher's screen may be on the projector, so texts that were not let through are folded away on it.
function textChart(question, round, words, { show, fold }) {
  if (!round.texts.length) return el("p", { class: "faint" }, round.answered ? words.noneShown : words.none);
  const list = (texts) => el("ul", { class: "texts" }, ...texts.map((one) => el(
    "li", {},
    show ? el("input", { type: "checkbox", checked: one.shown, "aria-label": words.show, title: words.show, onchange: (event) => show(round.number, one.word, event.target.checked) }) : null,
    el("b", {}, one.word), " ", el("bdi", {}, one.text),
  )));
  const waiting = show ? round.texts.filter((one) => !one.shown) : [];
  const through = round.texts.filter((one) => !waiting.includes(one));
  return el("div", {}, list(through), waiting.length ? fold(`waiting${round.number}`, false, fill(words.waiting, { count: waiting.length }), list(waiting)) : null);
}

// The charts of all rounds of a question, side by side. "mine" is the word of a student. "tools" is what only teachers
// can do: show(round, word, shown) lets a text through, fold(name, open, title, content) folds something away, and
// mark(place) marks the right place.
function charts(question, picture, words, tools = {}, mine = "") {
  return el("div", { class: "rounds" }, ...question.rounds.map((round, place) => el(
    "section", {},
    question.rounds.length > 1 ? el("h3", {}, fill(place ? words.after : words.before, {})) : null,
    question.kind === "choice" ? choiceChart(question, round)
      : question.kind === "number" ? numberChart(question, round, words)
        : question.kind === "place" ? placeChart(question, round, picture, tools.mark)
          : question.kind === "run" ? runChart(round, words, mine)
            : textChart(question, round, words, tools),
  )));
}
