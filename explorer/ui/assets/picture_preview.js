// Shows the chosen picture of the gallery in place of the last answer, until the server's answer is there; its own answer
// at once if it came with the page.
export default function ({ data, parentElement }) {
  const choice = pictureChoice();
  const place = parentElement.querySelector(".preview");
  const [name, headline] = [place.querySelector("h3"), place.querySelector(".headline")];
  const [image, bars] = [place.querySelector("img"), place.querySelector("ol")];

  function bar([label, share]) {
    const row = document.createElement("li");
    for (const [kind, text] of [["class", label], ["track", ""], ["share", share]]) {
      const part = row.appendChild(document.createElement("span"));
      part.className = kind;
      part.textContent = text;
    }
    row.children[1].appendChild(document.createElement("span")).style.width = share;
    return row;
  }

  choice.show = () => {
    const picture = choice.pending;
    place.hidden = !picture;
    if (!picture) {
      delete document.body.dataset.explorerPending;
      return;
    }
    document.body.dataset.explorerPending = ""; // hides the last answer
    const answer = data.answers[picture.index];
    name.textContent = picture.label;
    image.src = picture.url;
    headline.textContent = answer?.headline ?? data.waiting;
    bars.replaceChildren(...(answer?.top ?? []).map(bar));
  };
  choice.show();
  return () => {
    delete document.body.dataset.explorerPending;
  };
}
