// The form with which a teacher asks a question.
const MAX_SIDE = 640; // pixels of the longer side of a picture

async function pictureOf(file) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
  const canvas = el("canvas", { width: Math.round(scale * image.width), height: Math.round(scale * image.height) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.8);
}

// The number that somebody has typed, or else the text, which the server then names in its answer.
function numberIn(typed) {
  const number = Number(typed.replace(",", "."));
  return Number.isFinite(number) ? number : typed;
}

// The control with which a teacher marks the right answer of a question that was asked, or corrects the mark.
function markForm(question, words, mark) {
  if (question.kind === "choice") {
    return el("select", { "aria-label": words.markRight, onchange: (event) => mark(Number(event.target.value)) },
      question.right === null ? el("option", { value: "" }, words.markRight) : null,
      ...question.options.map((option, place) => el("option", { value: place, selected: question.right === place }, `${question.right === place ? "✓ " : ""}${option}`)));
  }
  const input = el("input", { type: "text", inputMode: "decimal", size: 8, value: question.right ?? "", title: words.right, "aria-label": words.right });
  return el("form", { class: "mark", onsubmit: (event) => {
    event.preventDefault();
    if (input.value.trim()) mark(numberIn(input.value.trim()));
  } }, input, el("button", { type: "submit" }, words.markRight));
}

// The question of the lesson that is open, without its answer.
function lessonQuestion() {
  const place = document.querySelector("[data-class-question]");
  if (!place) return null;
  try {
    return JSON.parse(place.dataset.classQuestion);
  } catch {
    return null;
  }
}

function askForm(words, send, cancel) {
  const kind = el("select", { name: "kind" }, ...["choice", "number", "place", "text", "run"].map((name) => el("option", { value: name }, words.kinds[name])));
  const text = el("textarea", { name: "text", rows: 2, maxLength: 300, required: true });
  const options = el("textarea", { name: "options", rows: 4 });
  const right = el("input", { name: "right", type: "text", inputMode: "decimal" });
  const picture = el("input", { name: "picture", type: "file", accept: "image/*" });
  const field = (label, control) => el("label", { class: "field" }, el("span", {}, label), control);
  const fields = { options: field(words.options, options), right: field(words.right, right), picture: field(words.picture, picture) };
  const problem = el("p", { class: "problem", role: "alert" });
  const runHint = el("p", { class: "faint" }, words.runHint);
  const follow = () => {
    runHint.hidden = kind.value !== "run";
    if (kind.value === "run" && !text.value) text.value = words.runTask;
    fields.options.hidden = kind.value !== "choice";
    fields.right.hidden = !["choice", "number"].includes(kind.value);
    fields.right.firstChild.textContent = kind.value === "choice" ? words.rightOption : words.right;
    fields.picture.hidden = kind.value !== "place";
  };
  kind.addEventListener("change", follow);
  const lesson = lessonQuestion();
  const fromLesson = lesson && el("button", { type: "button", onclick: () => {
    kind.value = lesson.kind;
    text.value = lesson.text;
    options.value = (lesson.options ?? []).join("\n");
    follow();
  } }, words.lesson);
  const submit = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const question = { kind: kind.value, text: text.value };
    const marked = right.value.trim().replace(",", ".");
    if (kind.value === "choice") {
      question.options = options.value.split("\n").map((line) => line.trim()).filter(Boolean);
      if (marked) question.right = Number(marked) - 1;
    } else if (kind.value === "number" && marked) question.right = numberIn(marked);
    try {
      if (kind.value === "place" && picture.files[0]) question.picture = await pictureOf(picture.files[0]);
      await send(question);
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  follow();
  return el(
    "form", { class: "ask", onsubmit: submit },
    fromLesson, field(words.kind, kind), runHint, field(words.question, text), fields.options, fields.picture, fields.right, problem,
    el("div", { class: "row" }, el("button", { class: "main", type: "submit" }, words.ask), el("button", { type: "button", onclick: cancel }, words.cancel)),
  );
}

// The control with which a student answers. Calls send(body) with the answer, or with the name of a run.
function answerForm(question, picture, words, sendBody) {
  const mine = question.mine;
  const send = (value) => sendBody({ value });
  if (question.kind === "run") {
    const run = runOfPage();
    return el(
      "div", {},
      mine ? el("ul", { class: "texts" }, ...mine.map((name) => el("li", {}, name))) : null,
      run ? el("button", { class: "main", disabled: question.closed, onclick: () => sendBody({ run }) }, words.giveRun) : el("p", {}, words.noRun),
    );
  }
  if (question.kind === "choice") {
    return el("div", { class: "options" }, ...question.options.map((option, place) => el("button", {
      class: mine === place ? "main" : "", "aria-pressed": String(mine === place), disabled: question.closed, onclick: () => send(place),
    }, option)));
  }
  if (question.kind === "place") {
    const frame = el("div", { class: "picture" }, el("img", { src: picture, alt: words.tap }));
    if (Array.isArray(mine)) {
      const dot = el("i", { class: "place" });
      dot.style.left = `${100 * mine[0]}%`;
      dot.style.top = `${100 * mine[1]}%`;
      frame.append(dot);
    }
    if (!question.closed) choosePlace(frame, send);
    return frame;
  }
  const input = el("input", question.kind === "number"
    ? { type: "text", inputMode: "decimal", value: mine ?? "", disabled: question.closed, "aria-label": words.answer }
    : { type: "text", maxLength: 300, value: mine ?? "", disabled: question.closed, "aria-label": words.answer });
  return el("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const typed = input.value.trim();
    if (typed) send(question.kind === "number" ? numberIn(typed) : typed);
  } }, input, el("button", { class: "main", type: "submit", disabled: question.closed }, words.send));
}
