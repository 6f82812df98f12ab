// The chosen unit of a layer's maps. The browser shows it at once; the server learns of it afterwards. The server's
// answers come through another component, so that the values of all channels are sent once.
function unitChoice() {
  window.explorerUnitChoice ??= {
    ...choiceParts(),
    version: "", // of the maps that the unit belongs to
    unit: [0, 0, 0], // channel, row and column
    extra: null, // a map at full resolution, if the page does not have it
    number: 0, // of the user's last choice; the server returns the number of the last one that it knows

    // Chooses a unit, and returns what the server is told.
    choose(unit) {
      this.unit = unit;
      this.number += 1;
      this.notify();
      return { unit, number: this.number };
    },
    // Follows the server, unless the user has made a choice of these maps that it does not know yet.
    follow({ version, unit, extra, number }) {
      if (extra) this.extra = extra;
      if (number >= this.number || version !== this.version) this.unit = unit;
      this.version = version;
      this.notify();
    },
  };
  return window.explorerUnitChoice;
}
