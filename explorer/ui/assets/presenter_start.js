// Stands in the document itself (explorer/ui/first_paint.py) and before presenter.js, which arrives after the page's parts:
// a link with present=1 opens large from the first moment, so that nothing jumps.
// The smallest text of a page is 12 pixels, so a projector of 1024 x 768 shows all text with 18 or more.
window.explorerPresenterZoom = () => Math.max(1, Math.min(innerWidth / (1024 / 1.5), innerHeight / (768 / 1.5)));
if (new URLSearchParams(location.search).get("present") === "1") {
  document.documentElement.classList.add("presenter");
  document.documentElement.style.setProperty("--presenter-zoom", String(window.explorerPresenterZoom()));
}
