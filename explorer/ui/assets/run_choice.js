// The chosen runs, which the table of runs and the preview of the choice share. The browser marks them at once; the server
// learns of a choice afterwards.
function runChoice() {
  window.explorerRunChoice ??= {
    ...choiceParts(),
    chosen: [], // ids, in the order of the choice
    rows: new Map(), // what the table knows of the runs, by id
    session: "",
    number: 0, // of the user's last choice; the server returns the number of the last one that it knows
    answered: 0, // number of the choice whose details are on the page

    get pending() {
      return this.number > this.answered;
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
