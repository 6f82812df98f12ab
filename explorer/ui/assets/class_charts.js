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
  const total = Math.max(1, ...round.counts);
  return el("table", { class: "chart" }, ...question.options.map((option, place) => {
    const right = question.right === place;
    const bar = el("span", { class: `bar${right ? " right" : ""}` });
    bar.style.width = `${(100 * round.counts[place]) / total}%`;
    return el("tr", {}, el("th", { scope: "row" }, option, right ? " ✓" : null), el("td", { class: "wide" }, bar), el("td", {}, String(round.counts[place])));
  }));
}

// Numbers as dots in 24 bins over an axis from the smallest to the largest; the right one is a line.
function numberChart(question, round, words) {
  const values = round.values;
  if (!values.length) return el("p", { class: "faint" }, words.none);
  const known = typeof question.right === "number" ? [...values, question.right] : values;
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
  const middle = values[Math.floor((values.length - 1) / 2)];
  const ends = el("div", { class: "ends" }, el("span", {}, String(low)), el("span", {}, fill(words.median, { value: middle })), el("span", {}, high > low ? String(high) : ""));
  return el("div", {}, plot, ends);
}

function placeChart(question, round, picture) {
  const frame = el("div", { class: "picture" }, el("img", { src: picture, alt: "" }));
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

function textChart(question, round, words, show) {
  if (!round.texts.length) return el("p", { class: "faint" }, words.none);
  return el("ul", { class: "texts" }, ...round.texts.map((one) => el(
    "li", {},
    show ? el("label", {}, el("input", { type: "checkbox", checked: one.shown, title: words.show, onchange: (event) => show(round.number, one.word, event.target.checked) }), " ") : null,
    el("b", {}, one.word), " ", el("bdi", {}, one.text),
  )));
}

// The charts of all rounds of a question, side by side. "mine" is the word of a student.
function charts(question, picture, words, show, mine = "") {
  return el("div", { class: "rounds" }, ...question.rounds.map((round, place) => el(
    "section", {},
    question.rounds.length > 1 ? el("h3", {}, fill(place ? words.after : words.before, {})) : null,
    question.kind === "choice" ? choiceChart(question, round)
      : question.kind === "number" ? numberChart(question, round, words)
        : question.kind === "place" ? placeChart(question, round, picture)
          : question.kind === "run" ? runChart(round, words, mine)
            : textChart(question, round, words, show),
  )));
}
