// One layer close up, from data of all layers that came with the network.
export default function ({ data, parentElement }) {
  const choice = layerChoice();
  const picture = parentElement.querySelector(".picture");
  const words = parentElement.querySelector(".words");
  const positions = new Map(data.layers.map((layer, position) => [layer.name, position]));
  choice.names = data.layers.map((layer) => layer.name);
  parentElement.querySelector(".panel").ariaLabel = data.label;
  let shown = null;

  function add(tag, text, className = "", place = words) {
    const element = document.createElement(tag);
    element.textContent = text;
    element.className = className;
    place.append(element);
    return element;
  }

  function draw() {
    const layer = data.layers[positions.get(choice.shown)] ?? data.none;
    if (layer === shown) return;
    shown = layer;
    picture.replaceChildren();
    if (layer.figure !== null) {
      const { svg, lines } = data.figures[layer.figure];
      picture.innerHTML = svg;
      for (const line of lines) add("p", line, "note", picture);
    }
    words.replaceChildren();
    const heading = add("p", "", "heading");
    const name = document.createElement("strong");
    name.textContent = layer.title;
    heading.append(name, layer.description ? ` · ${layer.description}` : "");
    if (layer.lines.length) {
      const list = add("dl", "");
      for (const [label, text] of layer.lines) {
        for (const [tag, value] of [["dt", data.labels[label]], ["dd", text]]) {
          const element = document.createElement(tag);
          element.textContent = value;
          list.append(element);
        }
      }
    }
    for (const note of layer.notes) add("p", note, "note");
  }

  return choice.join("panel", draw);
}
