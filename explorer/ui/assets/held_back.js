// Stands in the document itself (explorer/ui/first_paint.py), after the style of held_back.css. A page that opens holds parts
// back. One that a person works on hides nothing, and an edit must not wait for a style that looks at the whole page.
{
  const style = document.getElementById("held-back");
  const hold = (isOpening) => { style.media = isOpening ? "all" : "not all"; };
  for (const event of ["focusin", "click"])
    addEventListener(event, ({ target }) => { if (target.closest("[data-testid=stMain]")) hold(false); });
  // Streamlit opens another page within the same document.
  globalThis.navigation?.addEventListener("navigate", ({ destination }) => {
    if (new URL(destination.url).pathname !== location.pathname) hold(true);
  });
}
