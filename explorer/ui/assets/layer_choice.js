// The chosen layer and the layer under the pointer, which the parts of a page share. The browser marks them at once; the
// server learns of a choice afterwards. Parts are in shadow roots of their own, so that they meet in the window.
function layerChoice() {
  const parts = new Map();
  window.explorerLayerChoice ??= {
    chosen: "",
    pointed: "",
    names: [], // of all layers, in order
    sent: null, // the last choice, until the server confirms it

    // The layer that parts show: the one under the pointer, else the chosen one.
    get shown() {
      return this.pointed || this.chosen;
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
    point(name) {
      if (name === this.pointed) return;
      this.pointed = name;
      this.notify();
    },
    // Chooses a layer; a second choice of the same layer ends it. Returns the chosen layer.
    choose(name) {
      this.chosen = name === this.chosen ? "" : name;
      this.sent = this.chosen;
      this.pointed = "";
      this.notify();
      return this.chosen;
    },
    // Follows the server, unless the user has chosen again since.
    follow(name) {
      if (this.sent !== null && name !== this.sent) return;
      this.sent = null;
      if (name === this.chosen) return;
      this.chosen = name;
      this.notify();
    },
  };
  return window.explorerLayerChoice;
}
