// Opening a page is one entry of the browser's history: Streamlit adds one for the page and one more when the page
// completes its address. Until the user acts on the page, a new address takes the place of the former.
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
  for (const act of ["pointerdown", "keydown"]) addEventListener(act, () => { opening = false; }, { capture: true });
}
