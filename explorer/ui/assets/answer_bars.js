// Shows probabilities as bars in a list. Few classes keep their order; of many, the likeliest are shown.
const BARS = 10;

// Returns the indices of the classes, likeliest first. Without probabilities, the bars are empty.
function showBars(list, classes, answered) {
  const probabilities = answered ?? new Float64Array(classes.length);
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const shown = classes.length > BARS ? order.slice(0, BARS) : [...probabilities.keys()];
  while (list.children.length > shown.length) list.lastChild.remove();
  shown.forEach((index, place) => {
    const row = list.children[place] ?? list.appendChild(emptyBar());
    const share = probabilities[index];
    row.dataset.probability = share;
    row.classList.toggle("first", Boolean(answered) && index === order[0]);
    row.children[0].textContent = classes[index];
    row.children[1].firstChild.style.width = `${100 * share}%`;
    row.children[2].textContent = answered ? percent(share) : "";
  });
  return order;
}

// Returns the answer in a few words. It is unsure if the second class is at least half as likely as the first.
function headlineOf(words, classes, probabilities, [first, second]) {
  const parts = { name: classes[first], share: percent(probabilities[first]) };
  Object.assign(parts, { second: classes[second], other: percent(probabilities[second]) });
  const sentence = probabilities[first] < 2 * probabilities[second] ? words.unsure : words.answer;
  return sentence.replace(/\{(\w+)\}/g, (_all, part) => parts[part]);
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

function emptyBar() {
  const row = document.createElement("li");
  for (const name of ["name", "track", "share"]) row.appendChild(document.createElement("span")).className = name;
  row.children[1].appendChild(document.createElement("span"));
  return row;
}
