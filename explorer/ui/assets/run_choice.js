// The chosen runs, which the table of runs and the preview of the choice share. The browser marks them at once; the server
// learns of a choice afterwards. Parts are in shadow roots of their own, so that they meet in the window.
function runChoice() {
  const parts = new Map();
  window.explorerRunChoice ??= {
    chosen: [], // ids, in the order of the choice
    rows: new Map(), // what the table knows of the runs, by id
    session: "",
    number: 0, // of the user's last choice; the server returns the number of the last one that it knows
    answered: 0, // number of the choice whose details are on the page

    get pending() {
      return this.number > this.answered;
    },
    // Calls show() now and after every change; returns a function that ends this.
    join(key, show) {
      parts.set(key, show);
      show();
      return () => {
        if (parts.get(key) === show) parts.delete(key);
      };
    },
    notify() {
      for (const show of [...parts.values()]) show();
    },
    // Returns what the server is told.
    choose(jobs) {
      this.chosen = jobs;
      this.number += 1;
      this.notify();
      return { jobs, number: this.number };
    },
    // Follows the server, unless the user has made a choice that it does not know yet. A new session knows none.
    follow(chosen, number, session) {
      if (session !== this.session) {
        this.session = session;
        this.number = this.answered = number;
      }
      if (number < this.number) return;
      this.chosen = chosen;
      this.notify();
    },
    answer(number) {
      if (number <= this.answered) return;
      this.answered = number;
      this.notify();
    },
  };
  return window.explorerRunChoice;
}
