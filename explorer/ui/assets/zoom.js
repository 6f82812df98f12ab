// Shows a figure no smaller than its text can be read: in rows, or scrolled with an overview above it. The user zooms
// with wheel, pinch, keys and buttons, pans by dragging, and opens the figure on the full screen.
const SMALLEST_TEXT = 12; // pixels
const MOST = 6; // largest zoom
const STEP = 1.25;
const PAN = 80; // pixels for each key press
const OVERVIEW = 72; // largest height of an overview in pixels
const SCROLL_BAR = 16; // pixels
const TALLEST = 0.85; // height of the frame of a figure that is higher than the window, as a share of the window
const GLANCE = 0.5; // height of a figure without overview as a share of the window
const DRAG = 4; // pixels that the pointer moves before a click becomes a drag
const ICONS = {
  out: "M3 8h10",
  in: "M3 8h10M8 3v10",
  fit: "M2 8h12M5 5 2 8l3 3M11 5l3 3-3 3",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
};

class Viewer {
  constructor(outer, labels) {
    this.outer = outer;
    this.frame = outer.querySelector(".frame");
    this.overview = outer.querySelector(".overview");
    this.zoom = 1;
    this.labels = labels;
    this.listen();
    new ResizeObserver(() => this.arrange(true)).observe(outer);
  }

  // Shows another figure with the same zoom, at the same place.
  show(markup, withTools) {
    const { scrollLeft, scrollTop } = this.frame;
    this.frame.innerHTML = markup;
    this.withTools = withTools;
    this.small = null; // the overview is that of the former figure until it is drawn again
    this.svg = this.frame.querySelector("svg");
    this.original = this.svg.cloneNode(true);
    const box = this.svg.viewBox.baseVal;
    this.size = { width: box.width, height: box.height };
    this.segments = segmentsOf(this.svg);
    const sizes = [...this.svg.querySelectorAll("text")].map((text) => parseFloat(getComputedStyle(text).fontSize));
    this.smallestText = Math.min(...sizes, 100);
    this.arrange(false);
    this.frame.scrollTo(scrollLeft, scrollTop);
    this.update();
  }

  isFull() {
    return this.outer.matches(":fullscreen, .full");
  }

  // Adapts the figure to the width of its place.
  arrange(onlyIfChanged) {
    const width = this.outer.clientWidth;
    if (!this.svg || !width || (onlyIfChanged && width === this.width && this.isFull() === this.full)) return;
    [this.width, this.full] = [width, this.isFull()];
    this.scale = 1;
    if (this.segments) {
      this.size = wrapIntoRows(this.svg, this.segments, width);
      if (this.size.height > this.room()) this.size = wrapIntoRows(this.svg, this.segments, width - SCROLL_BAR);
      this.svg.setAttribute("viewBox", `0 0 ${this.size.width} ${this.size.height}`);
    } else {
      this.scale = Math.min(1, Math.max(width / this.size.width, SMALLEST_TEXT / this.smallestText));
    }
    this.small = null;
    this.resize();
  }

  // The height that the frame may have: that of the figure, unless it is higher than the window.
  room() {
    if (this.isFull()) return this.frame.clientHeight;
    const height = this.size.height * this.scale;
    return height <= window.innerHeight ? height + SCROLL_BAR : TALLEST * window.innerHeight;
  }

  least() {
    const { width, height } = this.size;
    return Math.min(1, this.width / (width * this.scale), this.room() / (height * this.scale));
  }

  resize() {
    this.zoom = Math.min(MOST, Math.max(this.least(), this.zoom));
    this.frame.style.maxHeight = this.isFull() ? "none" : `${this.room()}px`;
    this.svg.setAttribute("width", this.size.width * this.scale * this.zoom);
    this.svg.setAttribute("height", this.size.height * this.scale * this.zoom);
    this.update();
  }

  // Changes the zoom; the point of the figure at (x, y) of the frame stays where it is.
  zoomTo(zoom, x = this.frame.clientWidth / 2, y = this.frame.clientHeight / 2) {
    const { frame, svg } = this;
    const before = svg.getBoundingClientRect();
    const view = frame.getBoundingClientRect();
    const [right, down] = [(view.left + x - before.left) / before.width, (view.top + y - before.top) / before.height];
    this.zoom = zoom;
    this.resize();
    const after = svg.getBoundingClientRect();
    frame.scrollLeft += after.left + right * after.width - view.left - x;
    frame.scrollTop += after.top + down * after.height - view.top - y;
    this.update();
  }

  // Scrolls a part of the figure into the frame.
  reveal(part) {
    const box = part.getBoundingClientRect();
    const view = this.frame.getBoundingClientRect();
    if (box.left < view.left || box.right > view.right) this.frame.scrollLeft += box.left - view.left - (view.width - box.width) / 2;
    if (box.top < view.top || box.bottom > view.bottom) this.frame.scrollTop += box.top - view.top - (view.height - box.height) / 2;
  }

  // Whether enough of the figure is out of view that an overview helps.
  hides() {
    const { frame } = this;
    return frame.scrollWidth > 1.15 * frame.clientWidth || frame.scrollHeight > 1.15 * frame.clientHeight;
  }

  overflows() {
    const { frame } = this;
    return frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1;
  }

  // Buttons

  makeButtons() {
    const { labels } = this;
    const actions = {
      out: () => this.zoomTo(this.zoom / STEP),
      in: () => this.zoomTo(this.zoom * STEP),
      fit: () => this.fit(),
      full: () => this.toggleFull(),
    };
    const tools = this.outer.querySelector(".tools");
    this.buttons = {};
    for (const [name, act] of Object.entries(actions)) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = labels[name];
      button.setAttribute("aria-label", labels[name]);
      button.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
      button.onclick = act;
      tools.append(button);
      this.buttons[name] = button;
    }
  }

  fit() {
    this.zoomTo(1);
    this.frame.scrollTo(0, 0);
    this.update();
  }

  async toggleFull() {
    if (this.outer.matches(":fullscreen")) await document.exitFullscreen();
    else if (this.outer.matches(".full")) this.outer.classList.remove("full");
    else if (this.outer.requestFullscreen) await this.outer.requestFullscreen().catch(() => this.outer.classList.add("full"));
    else this.outer.classList.add("full"); // phones without the API
    this.arrange(true);
  }

  // Shows what can be done now, and what of the figure is in view.
  update() {
    const scrolls = this.hides();
    // Keys must reach a figure that scrolls; one with parts to choose is reached through them.
    this.frame.tabIndex = this.overflows() && !this.svg.querySelector("[data-pick]") ? 0 : -1;
    const atAGlance = this.isFull() || this.size.height <= GLANCE * window.innerHeight;
    this.hasOverview = scrolls || (this.size.rows > 1 && !atAGlance);
    this.outer.classList.toggle("with-overview", this.hasOverview);
    const tools = this.withTools || scrolls || this.zoom !== 1 || this.isFull();
    this.outer.classList.toggle("with-tools", tools);
    if (this.hasOverview && !this.small) this.drawOverview();
    else this.markView();
    if (tools && !this.buttons) this.makeButtons();
    if (!this.buttons) return;
    this.buttons.out.disabled = this.zoom <= this.least() + 0.001;
    this.buttons.in.disabled = this.zoom >= MOST;
    this.buttons.fit.disabled = this.zoom === 1;
  }

  // Overview

  drawOverview() {
    const small = this.original.cloneNode(true);
    for (const part of small.querySelectorAll("text, title, defs, .legend, .branch path")) part.remove();
    for (const part of small.querySelectorAll("[data-pick]")) part.removeAttribute("data-pick");
    for (const part of small.querySelectorAll("[role], [aria-label]")) {
      part.removeAttribute("role");
      part.removeAttribute("aria-label");
    }
    small.removeAttribute("role");
    small.removeAttribute("aria-label");
    const { width, height } = small.viewBox.baseVal;
    const scale = Math.min(Math.max(40, this.width - 140) / width, OVERVIEW / height);
    small.setAttribute("width", width * scale);
    small.setAttribute("height", height * scale);
    this.overview.replaceChildren(small);
    this.small = small;
    this.view = null;
    if (!this.segments) {
      this.view = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      this.view.setAttribute("class", "view");
      small.append(this.view);
    }
    this.markView();
  }

  markView() {
    if (!this.small || !this.hasOverview) return;
    const view = this.frame.getBoundingClientRect();
    if (this.view) {
      const all = this.svg.getBoundingClientRect();
      if (!all.width) return; // the page hides the figure, or has removed it
      const unit = this.size.width / all.width;
      this.view.setAttribute("x", Math.max(0, (view.left - all.left) * unit));
      this.view.setAttribute("y", Math.max(0, (view.top - all.top) * unit));
      this.view.setAttribute("width", Math.min(all.width, view.width) * unit);
      this.view.setAttribute("height", Math.min(all.height, view.height) * unit);
      return;
    }
    const [top, bottom] = [Math.max(0, view.top), Math.min(window.innerHeight, view.bottom)];
    const bodies = this.small.querySelectorAll(".segment");
    this.segments.forEach((segment, index) => {
      const box = segment.body.getBoundingClientRect();
      const seen = Math.min(box.bottom, bottom) - Math.max(box.top, top) > box.height / 2;
      const beside = box.left > view.right || box.right < view.left;
      bodies[index].setAttribute("opacity", seen && !beside ? 1 : 0.35);
    });
  }

  goTo(event) {
    const box = this.small.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const x = share * this.original.viewBox.baseVal.width;
    const segment = this.segments && this.segments.find((one) => x < one.right);
    if (segment) segment.body.scrollIntoView({ block: "nearest", inline: "center" });
    else this.frame.scrollLeft = share * this.frame.scrollWidth - this.frame.clientWidth / 2;
  }

  // Pointer and keys

  listen() {
    const { outer, frame } = this;
    frame.addEventListener("scroll", () => this.markView(), { passive: true });
    document.addEventListener("scroll", () => this.markView(), { capture: true, passive: true }); // the page
    this.overview.addEventListener("click", (event) => this.goTo(event));
    outer.addEventListener("fullscreenchange", () => this.arrange(true));
    frame.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    frame.addEventListener("touchstart", (event) => this.onTouch(event), { passive: true });
    frame.addEventListener("touchmove", (event) => this.onTouch(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.startDrag(event));
    outer.addEventListener("keydown", (event) => this.onKey(event), { capture: true });
  }

  onWheel(event) {
    if (!event.ctrlKey && !this.isFull()) return;
    event.preventDefault();
    const view = this.frame.getBoundingClientRect();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY * 0.003), event.clientX - view.left, event.clientY - view.top);
  }

  onTouch(event) {
    if (event.touches.length !== 2) return;
    const [one, two] = event.touches;
    const distance = Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
    if (event.type === "touchstart") {
      this.pinch = { distance, zoom: this.zoom };
      return;
    }
    event.preventDefault();
    const view = this.frame.getBoundingClientRect();
    const [x, y] = [(one.clientX + two.clientX) / 2 - view.left, (one.clientY + two.clientY) / 2 - view.top];
    this.zoomTo((this.pinch.zoom * distance) / this.pinch.distance, x, y);
  }

  // Pans while the mouse is dragged; a finger scrolls anyway. The click at the end of a drag chooses nothing.
  startDrag(event) {
    if (event.pointerType !== "mouse" || event.button || !this.overflows()) return;
    const { frame } = this;
    const from = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop };
    let dragged = false;
    const move = (now) => {
      dragged ||= Math.hypot(now.clientX - from.x, now.clientY - from.y) > DRAG;
      if (dragged) frame.scrollTo(from.left + from.x - now.clientX, from.top + from.y - now.clientY);
    };
    const end = () => {
      window.removeEventListener("pointermove", move);
      if (!dragged) return;
      const stop = (click) => click.stopImmediatePropagation();
      frame.addEventListener("click", stop, { capture: true, once: true });
      setTimeout(() => frame.removeEventListener("click", stop, { capture: true }));
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end, { once: true });
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pans = { ArrowLeft: [-PAN, 0], ArrowRight: [PAN, 0], ArrowUp: [0, -PAN], ArrowDown: [0, PAN] };
    if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom * STEP);
    else if (event.key === "-") this.zoomTo(this.zoom / STEP);
    else if (event.key === "0") this.fit();
    else if (event.shiftKey && event.key in pans) this.frame.scrollBy(...pans[event.key]);
    else if (event.key === "Escape" && this.outer.matches(".full")) this.toggleFull();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
