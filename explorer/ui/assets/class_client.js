// A browser in a class: asks the server, and keeps its key in its local storage. Subclasses set base and words.
const STORED = "explorer.class";

class ClassClient {
  constructor() {
    this.member = this.load();
  }

  load() {
    try {
      return JSON.parse(localStorage.getItem(STORED));
    } catch {
      return null;
    }
  }

  keep(member) {
    this.member = member;
    try {
      if (member) localStorage.setItem(STORED, JSON.stringify(member));
      else localStorage.removeItem(STORED);
    } catch {
      // storage is off: the class lasts as long as this page
    }
  }

  async ask(path, options = {}) {
    const headers = { ...options.headers };
    if (this.member) headers.authorization = `Bearer ${this.member.key}`;
    const mark = path.includes("?") ? "&" : "?";
    const code = this.member ? `${mark}code=${this.member.code}&lang=${document.documentElement.lang || "en"}` : "";
    let answer;
    try {
      answer = await fetch(`${this.base}/class-api/${path}${code}`, { ...options, headers });
    } catch {
      throw new Error(this.words.offline);
    }
    if (answer.ok) return answer;
    let body = null;
    try {
      body = await answer.json();
    } catch {
      // not from us: a proxy, or a fault of the server
    }
    throw Object.assign(new Error(body?.error ?? this.words.failed), { status: answer.status });
  }

  async post(action, body = {}) {
    const answer = await this.ask(action, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
    return answer.json();
  }
}
