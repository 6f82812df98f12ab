// The bar of a class on every page: for a teacher, a student, or somebody who is in no class. It lives outside of
// Streamlit's elements.
const TEACHER_WAIT = 500; // milliseconds between two requests to the server
const STUDENT_WAIT = 1500;
const HIDDEN_WAIT = 10000; // in a tab that nobody sees

class Bar extends ClassClient {
  constructor() {
    super();
    this.host = el("div", { id: "explorer-class" });
    this.root = this.host.attachShadow({ mode: "open" });
    document.body.append(this.host);
    this.parts = {};
    this.state = null;
    this.open = ""; // panel that is open: "", "menu", "code", "ask", "more"
    this.problem = "";
    this.pictures = {};
    this.opened = {}; // whether something that folds is open, by its name
    this.marking = 0; // number of the question on whose picture the teacher's next click marks the right place
    this.folded = 0; // number of the question that this browser has folded away
    this.screen = null; // last screen of the class that this browser knows
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.poll(); });
    addEventListener("popstate", () => this.render());
  }

  update(data) {
    this.words = data.words;
    this.base = data.base;
    if (!this.style) {
      this.style = el("style", {}, data.css);
      this.root.append(this.style, (this.box = el("div", { class: "box" })));
      this.start();
    }
    for (const name of ["--st-primary-color", "--st-background-color", "--st-secondary-background-color", "--st-text-color", "--st-font"]) {
      this.host.style.setProperty(name, data.theme[name]);
    }
    this.render();
  }

  async start() {
    const code = new URLSearchParams(location.search).get("class");
    const invitation = location.hash.match(/^#teach=([\w-]+)/)?.[1];
    if (code && invitation) {
      history.replaceState(history.state, "", location.pathname + location.search);
      await this.enter("accept", { code, invitation });
    } else if (code && this.member?.code !== code) await this.enter("join", { code });
    this.poll();
  }

  async enter(action, body) {
    try {
      this.keep(await this.post(action, body));
      this.open = "";
      this.problem = "";
    } catch (error) {
      this.problem = error.message;
      this.open = this.member ? this.open : "menu";
    }
    this.render();
    this.poll();
  }

  // Sends an action to the server, and shows the new state at once.
  async act(action, body) {
    try {
      const result = await this.post(action, body);
      this.problem = "";
      await this.poll();
      return result;
    } catch (error) {
      this.problem = error.message;
      this.render();
      return null;
    }
  }

  async poll() {
    clearTimeout(this.timer);
    if (!this.member) return;
    const number = this.state?.question?.number ?? 0;
    try {
      const answer = await this.ask(`state?have=${this.pictures[number] ? number : 0}`);
      const state = await answer.json();
      if (state.question?.picture) this.pictures[state.question.number] = state.question.picture;
      if (state.question?.number !== number) this.problem = ""; // it was about the question before
      this.state = state;
      this.lost = "";
      this.follow();
    } catch (error) {
      this.lost = error.message;
      if ([403, 404].includes(error.status)) {
        this.ended = error.message;
        if (this.member.role !== "teacher" || error.status === 403) this.keep(null);
        this.state = null;
        this.problem = error.message;
        this.open = "menu";
      }
    }
    this.render();
    if (!this.member || this.ended) return;
    clearTimeout(this.timer);
    const wait = document.hidden ? HIDDEN_WAIT : this.state?.role === "teacher" ? TEACHER_WAIT : STUDENT_WAIT;
    this.timer = setTimeout(() => this.poll(), wait * (0.8 + 0.4 * Math.random()));
  }

  here() {
    const parameters = new URLSearchParams(location.search);
    for (const name of ["class", "present", "lang"]) parameters.delete(name);
    const text = parameters.toString();
    return location.pathname.slice(this.base.length) + (text ? `?${text}` : "");
  }

  // Opens the screen of the class, once after each change of it.
  follow() {
    const screen = this.state.role === "student" ? this.state.screen : "";
    if (screen && screen !== this.screen && screen !== this.here()) this.go(screen);
    this.screen = screen;
  }

  go(screen) {
    const url = new URL(this.base + screen, location.origin);
    const old = new URLSearchParams(location.search);
    for (const name of ["class", "present", "lang"]) if (old.has(name)) url.searchParams.set(name, old.get(name));
    history.pushState(null, "", url);
    dispatchEvent(new PopStateEvent("popstate", { state: null })); // Streamlit opens the page in this session
  }

  // Builds a part of the bar again only if its data have changed, so that fields keep the text that a user types.
  part(name, signature, build) {
    const known = this.parts[name];
    if (known?.signature === signature) return known.element;
    const element = build();
    this.parts[name] = { signature, element };
    return element;
  }

  render() {
    if (!this.box) return;
    const shown = [];
    if (!this.member || this.ended) shown.push(...this.outside());
    else if (this.state) shown.push(...(this.state.role === "teacher" ? this.teacher() : this.student()));
    else shown.push(this.part("wait", this.lost ?? "", () => el("div", { class: "bar" }, this.lost || this.words.wait)));
    const same = shown.length === this.box.children.length && shown.every((one, place) => one === this.box.children[place]);
    if (!same) this.box.replaceChildren(...shown);
    // The bars at the top leave room for the button.
    const pill = this.box.querySelector(".pill");
    document.documentElement.style.setProperty("--class-pill", pill ? `calc(${pill.offsetWidth}px + 0.5rem)` : "0px");
  }

  toggle(name) {
    this.open = this.open === name ? "" : name;
    this.render();
  }

  button(text, action, kind = "") {
    return el("button", { type: "button", class: kind, onclick: action }, text);
  }

  // The button that folds the question away, so that the page behind it can be seen, or shows it again.
  fold(question) {
    const folded = this.folded === question.number;
    return el("button", { type: "button", class: "fold", "aria-expanded": String(!folded), "aria-label": this.words.question, title: this.words.question, onclick: () => {
      this.folded = folded ? 0 : question.number;
      this.render();
    } }, folded ? "▴" : "▾");
  }

  // Something that can be folded, and stays as the teacher left it when more answers come.
  details(name, open, title, content) {
    return el("details", { open: this.opened[name] ?? open, ontoggle: (event) => { this.opened[name] = event.target.open; } }, el("summary", {}, title), content);
  }

  trouble() {
    const text = this.problem || this.lost || "";
    return text ? el("p", { class: "problem", role: "alert" }, text) : null;
  }

  outside() {
    const { words } = this;
    const pill = this.part("pill", "", () => el("button", { class: "pill", "aria-haspopup": "dialog", onclick: () => this.toggle("menu") }, words.class));
    if (this.open !== "menu") return [pill];
    const menu = this.part("menu", `${this.problem}${this.ended ?? ""}`, () => {
      const code = el("input", { type: "text", maxLength: 6, size: 8, autocapitalize: "characters", autocomplete: "off", "aria-label": words.code });
      const join = (event) => {
        event.preventDefault();
        this.ended = "";
        if (code.value.trim()) this.enter("join", { code: code.value.trim().toUpperCase() });
      };
      const saves = this.ended && this.member ? this.saving() : [];
      return el(
        "div", { class: "menu", role: "dialog", "aria-label": words.class },
        this.trouble(), ...saves,
        el("form", { class: "row", onsubmit: join }, el("label", { class: "field" }, el("span", {}, words.code), code), el("button", { class: "main", type: "submit" }, words.join)),
        el("p", { class: "faint" }, words.teacherHint),
        this.button(words.openClass, () => {
          this.keep(null);
          this.ended = "";
          this.enter("open", {});
        }),
      );
    });
    return [pill, menu];
  }

  saving() {
    const save = async (format) => {
      try {
        const answer = await this.ask(`report?format=${format}`);
        const blob = await answer.blob().catch(() => { throw new Error(this.words.offline); }); // it was cut off
        const link = el("a", { href: URL.createObjectURL(blob), download: `class-${this.member.code}.${format}` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      } catch (error) {
        this.problem = error.message;
        this.render();
      }
    };
    return [this.button(this.words.saveHtml, () => save("html")), this.button(this.words.saveCsv, () => save("csv"))];
  }

  link(hash = "") {
    return `${location.origin}${this.base}/?class=${this.member.code}${hash}`;
  }

  teacher() {
    const { words, state } = this;
    const shown = [];
    const { question } = state;
    const signature = JSON.stringify([this.open, state.code, this.invitation, this.problem]);
    if (this.open === "code") shown.push(this.part("code", signature, () => this.codePanel()));
    if (this.open === "more") {
      shown.push(this.part("more", signature, () => el(
        "div", { class: "menu" }, this.trouble(),
        this.button(words.invite, async () => {
          const result = await this.act("invite");
          if (result) this.invitation = this.link(`#teach=${result.invitation}`);
          this.render();
        }),
        this.invitation ? el("p", { class: "link" }, el("span", {}, words.inviteHint), el("output", {}, this.invitation)) : null,
        ...this.saving(),
        this.button(words.end, () => { if (confirm(words.reallyEnd)) this.act("end"); }, "danger"),
      )));
    }
    if (this.open === "ask") {
      shown.push(this.part("ask", signature, () => el("div", { class: "panel" }, askForm(words, async (body) => {
        await this.post("ask", body);
        this.open = "";
        this.parts = {};
        await this.poll();
      }, () => this.toggle("ask")))));
    } else if (question && !this.open) { // a menu takes the place of the question
      const { number, revealed, closed, right, rounds } = question;
      const frame = JSON.stringify([number, revealed, closed, right, rounds.length, this.problem, this.folded, this.marking]);
      const panel = this.part("question", frame, () => this.teacherQuestion(question));
      const seen = JSON.stringify([question, state.students]);
      if (panel.answers && panel.seen !== seen) { // what is around them stays, so that a list that is open stays open
        panel.seen = seen;
        panel.answers.replaceChildren(...this.answersOf(question));
      }
      shown.push(panel);
    }
    shown.push(this.part("bar", JSON.stringify([state.students, state.screen, this.open, this.lost]), () => el(
      "div", { class: "bar" },
      el("b", {}, fill(words.named, { code: state.code })), el("span", { class: "count" }, fill(words.students, { count: state.students })),
      this.button(words.showCode, () => this.toggle("code"), this.open === "code" ? "main" : ""),
      this.button(words.sendHere, () => this.act("send", { screen: this.here() })),
      state.screen ? this.button(words.free, () => this.act("send", { screen: "" })) : null,
      this.button(words.askOne, () => this.toggle("ask"), this.open === "ask" ? "main" : ""),
      this.button(words.more, () => this.toggle("more"), this.open === "more" ? "main" : ""),
      this.lost ? el("span", { class: "problem" }, this.lost) : null,
    )));
    return shown;
  }

  codePanel() {
    const picture = el("img", { alt: "", class: "qr" });
    fetch(`${this.base}/class-api/qr?link=${encodeURIComponent(this.link())}`).then((answer) => answer.blob())
      .then((blob) => { picture.src = URL.createObjectURL(blob); }).catch(() => picture.remove());
    return el("div", { class: "panel code" }, picture, el("div", {}, el("p", { class: "big" }, this.state.code), el("p", { class: "link" }, this.link())));
  }

  teacherQuestion(question) {
    const { words } = this;
    const change = (values) => this.act("question", { number: question.number, ...values });
    const marks = ["choice", "number"].includes(question.kind) ? [markForm(question, words, (right) => change({ right }))] : [];
    if (question.kind === "place") {
      marks.push(this.button(words.markPlace, () => {
        this.marking = this.marking === question.number ? 0 : question.number;
        this.opened[`results${question.number}${question.revealed}`] = true;
        this.render();
      }, this.marking === question.number ? "main" : ""));
    }
    if (this.folded === question.number) return el("div", { class: "panel" }, this.fold(question), el("h2", {}, question.text));
    const answers = el("div", {});
    const panel = el(
      "div", { class: "panel" }, this.trouble(),
      this.fold(question), el("h2", {}, question.text),
      answers,
      el(
        "div", { class: "row" },
        this.button(question.revealed ? words.hide : words.reveal, () => change({ revealed: !question.revealed }), question.revealed ? "" : "main"),
        this.button(question.closed ? words.reopen : words.close, () => change({ closed: !question.closed })),
        ...marks,
        this.button(words.again, () => this.act("again", { number: question.number })),
        this.button(words.putAway, () => this.act("put-away")),
      ),
    );
    return Object.assign(panel, { answers });
  }

  // How many have answered, and what, as a teacher sees it.
  answersOf(question) {
    const { words } = this;
    const { number, revealed } = question;
    const last = question.rounds[question.rounds.length - 1];
    const fold = (name, ...rest) => this.details(`${name}${number}${revealed}`, ...rest);
    const tools = { fold, show: (round, word, shown) => this.act("show-text", { number: round, word, shown }) };
    if (this.marking === number) {
      tools.mark = (right) => {
        this.marking = 0;
        this.act("question", { number, right });
      };
    }
    return [
      el("p", { class: "faint" }, fill(words.answered, { count: last.answered, students: this.state.students }), revealed ? null : ` ${words.onlyYou}`),
      fold("results", revealed, words.results, charts(question, this.pictures[number], words, tools)),
    ];
  }

  studentQuestion(question, folded) {
    const { words } = this;
    const parts = { problem: el("div", {}), answers: el("div", {}) };
    const panel = el(
      "div", { class: "panel" }, parts.problem,
      this.fold(question), el("h2", {}, question.text),
      ...(folded ? [] : [
        answerForm(question, this.pictures[question.number], words, (body) => this.act("answer", { number: question.number, ...body })),
        el("p", { class: "faint", role: "status" }, question.closed ? words.closedHint : question.mine === null ? words.notYet : words.taken),
      ]),
      parts.answers,
    );
    return Object.assign(panel, parts);
  }

  student() {
    const { words, state } = this;
    const shown = [];
    const { question } = state;
    if (question) {
      const { number, closed, mine, rounds, right } = question;
      const folded = this.folded === number;
      const frame = JSON.stringify([number, closed, mine, folded, question.kind === "run" && runOfPage()]);
      const panel = this.part("question", frame, () => this.studentQuestion(question, folded));
      const seen = JSON.stringify([this.problem, this.lost, folded, rounds, right]);
      if (panel.seen !== seen) { // what a student types stays while the chart grows
        panel.seen = seen;
        panel.problem.replaceChildren(this.trouble() ?? "");
        panel.answers.replaceChildren(rounds && !folded ? charts(question, this.pictures[number], words, {}, state.word) : "");
      }
      shown.push(panel);
    }
    const away = state.screen && state.screen !== this.here();
    shown.push(this.part("bar", JSON.stringify([state.word, away, this.lost]), () => el(
      "div", { class: "bar" },
      el("b", {}, fill(words.named, { code: state.code })), el("span", {}, fill(words.youAre, { word: state.word })),
      away ? this.button(words.toScreen, () => this.go(this.state.screen), "main") : null,
      this.button(words.leave, () => {
        this.keep(null);
        this.state = null;
        clearTimeout(this.timer);
        this.render();
      }),
      this.lost ? el("span", { class: "problem" }, this.lost) : null,
    )));
    return shown;
  }
}

export default function ({ data, parentElement }) {
  const computed = getComputedStyle(parentElement.host ?? parentElement);
  const theme = {};
  for (const name of ["--st-primary-color", "--st-background-color", "--st-secondary-background-color", "--st-text-color", "--st-font"]) theme[name] = computed.getPropertyValue(name);
  window.explorerClass ??= new Bar();
  window.explorerClass.update({ ...data, theme });
}
