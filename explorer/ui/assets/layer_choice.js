// The chosen layer and the layer under the pointer, which the parts of a page share. The browser marks them at once; the
// server learns of a choice afterwards.
function layerChoice() {
  window.explorerLayerChoice ??= {
    ...choiceParts(),
    chosen: "",
    pointed: "",
    names: [], // of all layers, in order
    number: 0, // of the user's last choice; the server returns the number of the last one that it knows

    // The layer that parts show: the one under the pointer, else the chosen one.
    get shown() {
      return this.pointed || this.chosen;
    },
    point(name) {
      if (name === this.pointed) return;
      this.pointed = name;
      this.notify();
    },
    // Chooses a layer; a second choice of the same layer ends it. Returns what the server is told.
    choose(name) {
      this.chosen = name === this.chosen ? "" : name;
      this.number += 1;
      this.pointed = "";
      this.notify();
      return { layer: this.chosen, number: this.number };
    },
    // Follows the server, unless the user has made a choice that it does not know yet.
    follow(name, number) {
      if (number < this.number || name === this.chosen) return;
      this.chosen = name;
      this.notify();
    },
  };
  return window.explorerLayerChoice;
}
