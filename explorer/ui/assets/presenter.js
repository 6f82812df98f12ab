// The presenter view of every page: everything is larger, the editor is away, and arrows go on and back. The link has
// present=1. presenter_start.js stands above this file.
const FIELDS = "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=option], [role=listbox], [role=menuitem], [role=grid], canvas, svg";

const EDITED = ["architecture", "compare", "train", "predict"]; // pages with fields that this view folds away

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

class Presenter {
  constructor() {
    this.host = make("div", { id: "explorer-presenter" });
    this.root = this.host.attachShadow({ mode: "open" });
    document.body.append(this.host);
    this.sheet = document.head.appendChild(make("style"));
    addEventListener("resize", () => this.fit());
    addEventListener("popstate", () => this.render());
    addEventListener("keydown", (event) => this.press(event));
    for (const name of ["pushState", "replaceState"]) this.watch(name);
  }

  // Keeps present=1 when Streamlit opens another page.
  watch(name) {
    const change = history[name].bind(history);
    history[name] = (state, title, url) => {
      const next = new URL(url ?? location.href, location.href);
      if (this.on && !this.leaving) next.searchParams.set("present", "1");
      change(state, title, next);
      queueMicrotask(() => this.render());
    };
  }

  update(data) {
    this.data = data;
    this.sheet.textContent = data.page_css;
    for (const [name, value] of Object.entries(data.theme)) this.host.style.setProperty(name, value);
    this.on = new URLSearchParams(location.search).get("present") === "1";
    this.drawn = "";
    this.render();
  }

  fit() {
    document.documentElement.style.setProperty("--presenter-zoom", String(this.on ? window.explorerPresenterZoom() : 1));
    document.documentElement.classList.toggle("presenter", this.on);
    document.documentElement.classList.toggle("presenter-edits", Boolean(this.on && this.edits));
  }

  // Shows the editor, or folds it away again.
  edit() {
    this.edits = !this.edits;
    this.drawn = "";
    this.render();
  }

  toggle() {
    this.edits = false;
    const url = new URL(location.href);
    this.leaving = this.on;
    this.on = !this.on;
    if (this.on) url.searchParams.set("present", "1");
    else url.searchParams.delete("present");
    this.go(url);
    this.leaving = false;
  }

  go(url) {
    history.pushState(null, "", url);
    dispatchEvent(new PopStateEvent("popstate", { state: null })); // Streamlit runs the page of the new address
    dispatchEvent(new Event("resize")); // figures take their new width
  }

  // Number of the page, from 0.
  place() {
    const name = location.pathname.slice(this.data.base.length).replaceAll("/", "");
    return Math.max(0, this.data.pages.findIndex(([path]) => path === name));
  }

  // The page's own next or last step: a step of a lesson, or a section.
  step(by) {
    const moves = document.querySelector(`.st-key-learn-${by > 0 ? "next" : "back"} button`);
    if (document.querySelector(".st-key-learn-back")) return moves;
    const choices = [...document.querySelectorAll('[class*="st-key-"][class*="-show"] [data-testid="stButtonGroup"] button')];
    const chosen = choices.findIndex((one) => one.getAttribute("aria-checked") === "true" || one.dataset.testid?.endsWith("Active"));
    return chosen < 0 ? null : choices[chosen + by] ?? null;
  }

  // Goes on or back once the page stands: before that, its own steps are not known.
  request(by, tries = 30) {
    clearTimeout(this.waiting);
    const runs = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "running";
    if (runs && tries) this.waiting = setTimeout(() => this.request(by, tries - 1), 100);
    else this.move(by);
  }

  move(by) {
    const step = this.step(by);
    if (step || document.querySelector(".st-key-learn-back")) {
      if (!step?.disabled) step?.click();
      return;
    }
    const page = this.data.pages[this.place() + by];
    if (!page) return;
    const url = new URL(`${this.data.base}/${page[0]}`, location.origin);
    const old = new URLSearchParams(location.search);
    for (const name of ["class", "present", "lang"]) if (old.has(name)) url.searchParams.set(name, old.get(name));
    this.go(url);
  }

  press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const from = event.composedPath()[0];
    if (from instanceof Element && from.closest(FIELDS)) return;
    if (event.key === "p") this.toggle();
    else if (this.on && ["ArrowRight", "PageDown"].includes(event.key)) this.request(1); // clickers send the page keys
    else if (this.on && ["ArrowLeft", "PageUp"].includes(event.key)) this.request(-1);
    else return;
    event.preventDefault();
  }

  render() {
    if (!this.data) return;
    this.fit();
    const place = this.place();
    const { words, pages } = this.data;
    const drawn = `${this.on} ${place}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const style = make("style", { textContent: this.data.css });
    const button = (text, title, action, name = "") => make("button", { type: "button", title, className: name, onclick: action }, text);
    const arrow = (sign, title, action) => Object.assign(button(sign, title, action), { ariaLabel: title });
    if (!this.on) {
      const name = document.getElementById("explorer-class") || this.data.classes ? "enter" : "enter alone";
      this.root.replaceChildren(style, button(words.enter, words.hint, () => this.toggle(), name));
      return;
    }
    // On a phone a cross stands for the words, which leave no room for the page's title.
    const leave = Object.assign(button("", words.hint, () => this.toggle()), { ariaLabel: words.leave });
    leave.append(make("span", { className: "long" }, words.leave), make("span", { className: "short" }, "✕"));
    this.root.replaceChildren(style, make("nav", { ariaLabel: words.enter },
      arrow("‹", words.back, () => this.request(-1)),
      make("output", {}, pages[place][1]),
      arrow("›", words.next, () => this.request(1)),
      ...(EDITED.includes(pages[place][0]) ? [Object.assign(button(words.edit, words.editHint, () => this.edit()), { ariaPressed: String(Boolean(this.edits)) })] : []),
      leave));
  }
}

export default function ({ data, parentElement }) {
  const computed = getComputedStyle(parentElement.host ?? parentElement);
  const theme = {};
  for (const name of ["--st-primary-color", "--st-background-color", "--st-secondary-background-color", "--st-text-color", "--st-font"]) theme[name] = computed.getPropertyValue(name);
  window.explorerPresenter ??= new Presenter();
  window.explorerPresenter.update({ ...data, theme });
}
