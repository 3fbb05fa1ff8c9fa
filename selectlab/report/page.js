"use strict";
(() => {
  const MISSING = "#c4c4c4", EDGE = "#1a1a1a", INK = "#1a1a1a";
  const RAMP = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];
  const SYMBOLS = ["circle", "x", "diamond"], PICKED = 2;

  function scaling(div) {
    const fit = () => {
      for (const svg of div.querySelectorAll("svg.main-svg")) {
        const [width, height] = [svg.getAttribute("width"), svg.getAttribute("height")];
        svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
        div.style.setProperty("--ratio", `${width} / ${height}`);
      }
    };
    div.on("plotly_afterplot", fit);
    fit();
  }

  for (const div of document.querySelectorAll(".plot")) {
    const { data, layout } = JSON.parse(div.textContent);
    div.textContent = "";
    Plotly.newPlot(div, data, layout, { displayModeBar: false, responsive: true });
    scaling(div);
  }

  const held = document.getElementById("points-data");
  if (!held) return;
  const points = JSON.parse(held.textContent);
  const plot = document.getElementById("points"), panel = document.getElementById("point");
  const choice = document.getElementById("colour-by"), legend = document.getElementById("colour-legend");
  const pictured = Object.keys(points.pictures).length > 0;
  const starts = [0, points.sizes[0], points.sizes[0] + points.sizes[1]];
  let coloured = 0, kept = -1, current = -1;

  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const shortened = (text) => (text.length > 44 ? `…${text.slice(-43)}` : text);
  const part = (values, k) => values.slice(starts[k], starts[k] + points.sizes[k]);
  const written = (value) => (value === null ? "no value" : Number(value.toPrecision(4)).toString());

  function ramp(share) {
    const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
    const channel = (colour, k) => parseInt(colour.slice(1 + 2 * k, 3 + 2 * k), 16);
    const mixed = [0, 1, 2].map((k) => Math.round(channel(RAMP[low], k) * (1 - at + low) + channel(RAMP[low + 1], k) * (at - low)));
    return `rgb(${mixed.join(",")})`;
  }

  function colours(by) {
    if (by.kind === "categories") return by.values.map((at) => by.colours[at] ?? points.palette[at] ?? MISSING);
    const span = by.high - by.low || 1;
    return by.values.map((value) => (value === null ? MISSING : ramp((value - by.low) / span)));
  }

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function told(by, at) {
    return by.kind === "categories" ? by.names[by.values[at]] : written(by.values[at]);
  }

  function swatch(colour, text) {
    const item = element("span", "");
    const square = element("span", "", { class: "swatch" });
    square.style.background = colour;
    item.append(square, text);
    return item;
  }

  function drawLegend(by) {
    legend.replaceChildren();
    document.getElementById("coloured-by").textContent = `Coloured by: ${by.name}`;
    if (by.kind === "categories") {
      const most = by.colours.length || points.palette.length;
      by.names.slice(0, most).forEach((name, at) => {
        if (by.counts[at]) legend.append(swatch(by.colours[at] ?? points.palette[at], `${name} (${by.counts[at].toLocaleString("en")})`));
      });
      const rest = by.counts.slice(most).reduce((sum, count) => sum + count, 0);
      if (rest) legend.append(swatch(MISSING, `… and ${by.names.length - most} more (${rest.toLocaleString("en")})`));
      return;
    }
    const item = element("span", written(by.low)), bar = element("span", "", { class: "ramp" });
    bar.style.background = `linear-gradient(to right, ${RAMP.join(",")})`;
    item.append(bar, written(by.high));
    legend.append(item);
    if (by.values.includes(null)) legend.append(swatch(MISSING, "no value"));
  }

  function show(at) {
    current = at;
    panel.replaceChildren();
    const group = at >= starts[PICKED] ? PICKED : at >= starts[1] ? 1 : 0;
    if (points.pictures[at]) panel.append(element("img", "", { src: points.pictures[at], alt: points.ids[at] }));
    else if (pictured) panel.append(element("p", "This page holds no picture of it.", { class: "hint" }));
    panel.append(element("p", points.ids[at], { class: "id" }));
    const status = ["not selected", "selected before", ""][group] || `selected, rank ${points.ranks[at - starts[PICKED]]}`;
    panel.append(element("p", status));
    const by = points.colourings[coloured];
    if (coloured) panel.append(element("p", `${by.name}: ${told(by, at)}`));
    if (group === PICKED) {
      const list = element("ul", "", { class: "because" });
      const reasons = points.reasons[at - starts[PICKED]] ?? ["why is in selection.csv of the run"];
      for (const reason of reasons) list.append(element("li", reason));
      panel.append(list);
    }
    if (kept === at) panel.append(element("p", "Kept; click it again to let go.", { class: "hint" }));
  }

  function colour() {
    coloured = Number(choice.value);
    const by = points.colourings[coloured], all = colours(by);
    Plotly.restyle(plot, { "marker.color": [0, 1, 2].map((k) => part(all, k)) }, [0, 1, 2]);
    drawLegend(by);
    if (current >= 0) show(current);
  }

  const crowd = points.sizes[PICKED];
  const sizes = [points.sizes[0] > 2000 ? 5 : 7, crowd > 1000 ? 6 : 9, crowd > 1000 ? 6 : crowd > 200 ? 8 : 11];
  const first = colours(points.colourings[0]);
  const traces = [0, 1, 2].map((k) => ({
    type: "scatter", mode: "markers", hoverinfo: "text",
    x: part(points.x, k), y: part(points.y, k), text: part(points.ids, k).map((id) => escaped(shortened(id))),
    marker: {
      symbol: SYMBOLS[k], size: sizes[k], color: part(first, k), opacity: k ? 1 : 0.75,
      line: { color: k === 1 ? "#ffffff" : EDGE, width: [0, 0.5, crowd > 1000 ? 0.6 : 1.2][k] },
    },
  }));
  const axis = (title) => ({ title: { text: title, font: { size: 11 } }, zeroline: false, gridcolor: "#ececec", automargin: true });
  const layout = {
    showlegend: false, hovermode: "closest", dragmode: "pan", font: { family: "system-ui, sans-serif", size: 12, color: INK },
    margin: { l: 10, r: 10, t: 30, b: 16 }, xaxis: axis(points.xTitle), yaxis: axis(points.yTitle),
    paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", hoverlabel: { bgcolor: "#ffffff", bordercolor: EDGE, font: { color: INK } },
  };
  Plotly.newPlot(plot, traces, layout, {
    displaylogo: false, responsive: true, scrollZoom: true,
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  });
  scaling(plot);
  drawLegend(points.colourings[0]);
  choice.addEventListener("change", colour);

  const index = (event) => starts[event.points[0].curveNumber] + event.points[0].pointNumber;
  plot.on("plotly_hover", (event) => { if (kept < 0) show(index(event)); });
  plot.on("plotly_click", (event) => {
    const at = index(event);
    kept = kept === at ? -1 : at;
    show(at);
  });
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !points.sizes[PICKED]) return;
    event.preventDefault();
    const n = points.sizes[PICKED], before = current - starts[PICKED];
    const next = before < 0 ? (step > 0 ? 0 : n - 1) : (before + step + n) % n;
    kept = -1;
    show(starts[PICKED] + next);
    Plotly.Fx.hover(plot, [{ curveNumber: PICKED, pointNumber: next }]);
  });
})();
