// Connects a Plotly chart along the layers with the chosen layer: a line marks it, and bars choose it.
export default function ({ data, setTriggerValue }) {
  const choice = layerChoice();
  const place = document.querySelector(data.place);
  let chart = null;
  let leave = null;
  let line = null;

  function mark() {
    const axis = chart._fullLayout?.xaxis;
    const position = choice.names.indexOf(choice.shown);
    line.hidden = position < 0 || position >= data.layers || !axis; // auxiliary heads are not in the chart
    if (line.hidden) return;
    const { t, h } = chart._fullLayout._size;
    const left = axis._offset + axis.l2p(position);
    line.style.cssText = `left:${left}px;top:${t}px;height:${h}px;border-left:2px solid ${data.colour}`;
    line.firstChild.textContent = choice.shown;
    line.firstChild.style.cssText = left > axis._offset + axis._length / 2 ? "right:4px" : "left:4px";
  }

  function connect() {
    const found = place?.querySelector(".js-plotly-plot");
    if (!found || !found._fullLayout || found === chart) return;
    leave?.();
    chart = found;
    line = document.createElement("div");
    line.className = "explorer-layer-line";
    line.append(document.createElement("span"));
    chart.append(line);
    const handlers = {
      plotly_hover: (event) => choice.point(event.points[0].customdata ?? ""),
      plotly_unhover: () => choice.point(""),
      plotly_click: (event) => {
        if (event.points[0].customdata) setTriggerValue("choose", choice.choose(event.points[0].customdata));
      },
      plotly_afterplot: mark,
    };
    for (const [name, handler] of Object.entries(handlers)) chart.on(name, handler);
    const left = choice.join("chart", mark);
    // Plotly has removed its functions if the chart is gone.
    leave = () => {
      left();
      line.remove();
      for (const [name, handler] of Object.entries(handlers)) chart.removeListener?.(name, handler);
    };
  }

  const watcher = new MutationObserver(connect);
  if (place) watcher.observe(place, { subtree: true, childList: true });
  connect();
  return () => {
    watcher.disconnect();
    leave?.();
  };
}
