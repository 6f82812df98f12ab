// Makes the opening of a page one entry in the browser's history. Streamlit adds one entry for the page and another one
// when the page completes its address. Until the user acts on the page, a new address replaces the former one.
export default function () {
  if (history.explorerOpening) return;
  history.explorerOpening = true;
  let opening = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const samePage = new URL(url, location.href).pathname === location.pathname;
    if (samePage && opening) {
      history.replaceState(state, title, url);
      return;
    }
    if (!samePage) opening = true;
    push(state, title, url);
  };
  addEventListener("popstate", () => { opening = true; });
  for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => { opening = false; }, { capture: true });
}
