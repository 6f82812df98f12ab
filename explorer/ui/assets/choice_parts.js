// The parts of a page that show one choice. They are in shadow roots of their own, so that they meet in the window.
function choiceParts() {
  const parts = new Map();
  return {
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
  };
}
