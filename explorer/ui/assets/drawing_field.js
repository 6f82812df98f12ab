// A field to draw into. It prepares the drawing as the network's own images were, and answers while the pointer moves.
// It follows answer_bars.js, drawing_strokes.js and drawing_network.js in one script.
const INK_SIDE = 280; // pixels of the drawing that the network is asked about, and units of all places below
const REST = 400; // milliseconds without a stroke, after which the drawing is reported
const BETWEEN = 15; // least milliseconds between two answers
const KEY_STEP = 8;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// A drawing outlives its field: a page may take the field away and show it again.
const drawings = new Map();
const fields = new WeakMap();

export default function ({ data, key, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".drawing");
  let field = fields.get(root);
  if (!field) {
    field = new Field(root, key);
    fields.set(root, field);
  }
  field.update(data, (image) => setTriggerValue("drawing", image));
  root.getRootNode().host?.closest('[data-testid="stElementContainer"]')?.setAttribute("data-drawn", ""); // first_paint.css
  return () => field.end();
}

class Field {
  // ``classify`` answers in place of the network's steps; it may return a promise.
  constructor(root, key, classify = null) {
    const find = (selector) => root.querySelector(selector);
    this.root = root;
    this.given = classify;
    this.paper = find(".paper");
    this.ink = find(".ink");
    this.seen = find(".seen");
    this.bars = find(".bars");
    this.headline = find(".headline");
    this.spoken = find(".spoken");
    this.thickness = find("input");
    this.undoButton = find(".undo");
    this.clearButton = find(".clear");
    if (!drawings.has(key)) drawings.set(key, { strokes: [] });
    this.drawing = drawings.get(key);
    this.active = null; // the pointer that draws
    this.cursor = null; // the place of the keyboard's pen
    this.answers = 0;
    this.listen();
    this.watcher = new ResizeObserver(() => this.paint());
    this.watcher.observe(this.paper);
  }

  get strokes() {
    return this.drawing.strokes;
  }

  update(data, report) {
    const { network, words } = data;
    this.words = words;
    this.root.style.setProperty("--side", `${data.side}px`);
    this.classes = data.classes;
    this.report = data.reports ? report : null;
    const version = JSON.stringify([data.name, network?.input, network?.steps, network?.weights?.length]);
    if (version !== this.version) {
      this.version = version;
      this.network = network;
      this.classify = this.given ?? (network && networkFrom(network));
      this.root.classList.toggle("remote", !network);
    }
    const label = (selector, text) => (this.root.querySelector(selector).textContent = text);
    this.paper.setAttribute("aria-label", words.paper);
    this.seen.setAttribute("aria-label", words.seen);
    this.paper.setAttribute("aria-description", words.keys);
    this.undoButton.textContent = words.undo;
    this.clearButton.textContent = words.clear;
    label(".thickness span", words.thickness);
    label(".seen-words", words.seen);
    label(".preparation", words.preparation);
    label(".hint", words.hint);
    this.changed();
    if (!this.shown && this.strokes.length) this.finish(); // a new session does not know the drawing
    this.shown = true;
  }

  end() {
    clearTimeout(this.rest);
    cancelAnimationFrame(this.next);
    this.watcher.disconnect();
  }

  listen() {
    const { paper } = this;
    paper.onpointerdown = (event) => {
      if (event.button !== 0 || (this.active !== null && event.pointerType === "touch")) return; // a palm beside a pen
      paper.setPointerCapture(event.pointerId);
      this.active = event.pointerId;
      this.cursor = null;
      this.begin(this.place(event));
    };
    paper.onpointermove = (event) => {
      if (event.pointerId !== this.active) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.strokes.at(-1).points.push(this.place(one));
      this.changed();
    };
    paper.onpointerup = paper.onpointercancel = (event) => {
      if (event.pointerId !== this.active) return;
      this.active = null;
      this.finish();
    };
    paper.onkeydown = (event) => this.onKey(event);
    paper.onblur = () => this.liftKeyboardPen();
    this.undoButton.onclick = () => this.undo();
    this.clearButton.onclick = () => {
      this.strokes.length = 0;
      this.changed();
      this.finish();
    };
  }

  // The keyboard moves a pen with the arrow keys. Space or Enter puts it down and lifts it.
  onKey(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      this.undo();
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const step = event.shiftKey ? 1 : KEY_STEP;
      const from = this.cursor ?? { x: INK_SIDE / 2, y: INK_SIDE / 2, down: false };
      const [across, down] = ARROWS[event.key];
      const [x, y] = [from.x + across * step, from.y + down * step].map((one) => Math.min(Math.max(one, 0), INK_SIDE));
      this.cursor = { x, y, down: from.down };
      if (from.down) this.strokes.at(-1).points.push([x, y]);
      this.changed();
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.cursor ??= { x: INK_SIDE / 2, y: INK_SIDE / 2, down: false };
      if (this.cursor.down) return this.liftKeyboardPen();
      this.cursor.down = true;
      this.begin([this.cursor.x, this.cursor.y]);
    } else if (event.key === "Escape") {
      this.liftKeyboardPen();
    }
  }

  liftKeyboardPen() {
    if (!this.cursor) return;
    if (this.cursor.down) {
      this.cursor.down = false;
      this.finish();
    }
    this.paint();
  }

  place(event) {
    const box = this.paper.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * INK_SIDE, ((event.clientY - box.top) / box.height) * INK_SIDE];
  }

  begin(point) {
    clearTimeout(this.rest);
    this.strokes.push({ width: Number(this.thickness.value), points: [point] });
    this.changed();
  }

  undo() {
    if (this.active !== null || this.cursor?.down) return;
    this.strokes.pop();
    this.changed();
    this.finish();
  }

  // Reports the drawing once no other stroke follows.
  finish() {
    clearTimeout(this.rest);
    this.rest = setTimeout(async () => {
      await this.answer();
      if (this.network) this.spoken.textContent = this.headline.textContent;
      this.report?.(this.strokes.length ? this.ink.toDataURL("image/png") : "");
    }, REST);
  }

  changed() {
    this.undoButton.disabled = this.clearButton.disabled = !this.strokes.length;
    this.root.classList.toggle("empty", !this.strokes.length);
    this.paint();
    if (this.next) return;
    const wait = () => {
      if (performance.now() < (this.ready ?? 0)) {
        this.next = requestAnimationFrame(wait);
        return;
      }
      this.next = null;
      this.answer();
    };
    this.next = requestAnimationFrame(wait);
  }

  paint() {
    const side = Math.round(this.paper.clientWidth * (window.devicePixelRatio || 1));
    if (!side) return;
    if (this.paper.width !== side) this.paper.width = this.paper.height = side;
    const context = this.paper.getContext("2d");
    context.clearRect(0, 0, side, side);
    this.trace(context, side / INK_SIDE, getComputedStyle(this.paper).color);
    if (this.cursor && this.paper.matches(":focus")) {
      const { x, y, down } = this.cursor, scale = side / INK_SIDE;
      context.strokeStyle = getComputedStyle(this.paper).outlineColor;
      context.lineWidth = 2 * scale;
      context.beginPath();
      context.arc(x * scale, y * scale, (down ? 4 : 8) * scale, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  trace(context, scale, colour) {
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = colour;
    for (const { width, points } of this.strokes) {
      context.lineWidth = width * scale;
      context.beginPath();
      points.forEach(([x, y], index) => {
        if (index) context.lineTo(x * scale, y * scale);
        else context.moveTo(x * scale, y * scale);
      });
      if (points.length === 1) context.lineTo(points[0][0] * scale, points[0][1] * scale); // a dot
      context.stroke();
    }
  }

  async answer() {
    if (this.isAnswering) {
      this.isLate = true; // the latest drawing is answered as soon as this answer stands
      return;
    }
    const started = performance.now();
    const context = this.ink.getContext("2d", { willReadFrequently: true, alpha: false });
    context.fillStyle = "#000";
    context.fillRect(0, 0, INK_SIDE, INK_SIDE);
    this.trace(context, 1, "#fff");
    if (!this.network) return;
    const pixels = context.getImageData(0, 0, INK_SIDE, INK_SIDE).data;
    const ink = image(INK_SIDE, INK_SIDE);
    for (let index = 0; index < ink.data.length; index++) ink.data[index] = Math.fround(pixels[4 * index] / 255);
    const { framing, bright, input } = this.network;
    const levels = frameStrokes(ink, framing, input.height);
    if (levels && !bright) levels.forEach((level, index) => (levels[index] = 255 - level));
    this.showSeen(levels, input.height, bright);
    this.isAnswering = true;
    try {
      this.showAnswer(levels && (await this.classify(levels)));
    } finally {
      this.isAnswering = false;
    }
    const now = performance.now();
    this.ready = now + Math.max(BETWEEN, now - started); // half of the time is left to the pen
    if (this.isLate) {
      this.isLate = false;
      this.changed();
    }
  }

  showSeen(levels, size, bright) {
    this.seen.width = this.seen.height = size;
    const pixels = new ImageData(size, size);
    for (let index = 0; index < size * size; index++) {
      const level = levels ? levels[index] : bright ? 0 : 255;
      pixels.data.set([level, level, level, 255], 4 * index);
    }
    this.seen.getContext("2d").putImageData(pixels, 0, 0);
  }

  showAnswer(probabilities) {
    this.headline.textContent = "";
    const order = showBars(this.bars, this.classes, probabilities);
    if (!probabilities) return;
    this.headline.textContent = headlineOf(this.words, this.classes, probabilities, order);
    this.root.dataset.answers = ++this.answers;
  }
}
