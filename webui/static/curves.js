// Draws a run's curves as SVG from what a server tells of them: a chart each, bands of phases and faults behind them,
// one second of all charts picked by a slider or the pointer. `CURVES.ask(url)` draws what is new there, `CURVES.told`
// was drawn last, `CURVES.hide()` takes them away.
"use strict";
const CURVES = (() => {
  const place = document.getElementById("curves"), charts = place.querySelector(".charts");
  const slider = document.getElementById("second"), output = place.querySelector("output");
  const HEIGHT = 150, LEFT = 44, RIGHT = 8, TOP = 8, BOTTOM = 20;
  const wide = new Map(); // a chart's id → its figure
  let told = null, newest = true, hover = null; // newest: the slider stands at the end and goes with it

  const element = (name, attributes = {}, text = "", svg = true) => {
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };
  const html = (name, attributes, text) => element(name, attributes, text, false);
  const number = (value) => value === null || value === undefined ? "–"
    : value.toLocaleString("en", value >= 100 || Number.isInteger(value) ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
  const nice = (value) => { // the least of 1, 2 or 5 with zeros that is not below it
    const power = 10 ** Math.floor(Math.log10(value || 1));
    return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 1;
  };
  const values = (chart, line) => chart.rate ? line.y.map((count) => count / told.width) : line.y;
  const bins = () => told.charts[0].lines[0].y.length;
  const picked = () => Math.min(hover ?? (newest ? Infinity : Number(slider.value)), bins() - 1);

  function figure(chart) {
    if (!wide.has(chart.id)) {
      const made = html("figure", { id: `chart-${chart.id}` }), caption = html("figcaption");
      caption.append(html("h3", {}, chart.title), html("span", { class: "unit" }, chart.unit));
      made.append(caption, html("ul", { class: "legend" }), element("svg", { role: "img", height: HEIGHT }));
      made.lastChild.addEventListener("pointermove", follow);
      made.lastChild.addEventListener("pointerleave", () => { hover = null; draw(); });
      charts.append(made);
      wide.set(chart.id, made);
    }
    return wide.get(chart.id);
  }

  function follow(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const second = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT) * told.end;
    hover = Math.max(Math.floor(second / told.width), 0);
    draw();
  }

  function path(y, x, height) {
    let drawing = false, found = "";
    y.forEach((value, bin) => {
      if (value !== null) found += `${drawing ? "L" : "M"}${x((bin + .5) * told.width).toFixed(1)} ${height(value).toFixed(1)}`;
      drawing = value !== null;
    });
    return found;
  }

  function drawn(chart) {
    const made = figure(chart), svg = made.lastChild, width = svg.clientWidth || 300;
    const lines = chart.lines.map((line) => ({ ...line, y: values(chart, line) }));
    const most = nice(Math.max(...lines.flatMap((line) => line.y.filter((value) => value !== null)), 0));
    const x = (t) => LEFT + Math.min(t, told.end) / told.end * (width - LEFT - RIGHT);
    const height = (value) => HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
    const bin = picked(), parts = [];
    for (const band of told.bands) {
      const end = band.end ?? Math.max(bins() * told.width, band.start);
      const rect = element("rect", { class: band.kind, x: x(band.start), y: TOP, width: Math.max(x(end) - x(band.start), 1), height: HEIGHT - TOP - BOTTOM });
      rect.append(element("title", {}, `${band.name} ${span(band)}`));
      parts.push(rect);
    }
    for (const value of [0, most / 2, most]) {
      parts.push(element("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: height(value), y2: height(value) }));
      parts.push(element("text", { x: LEFT - 6, y: height(value) + 4, "text-anchor": "end" }, number(value)));
    }
    const step = nice(told.end / 5);
    for (let t = 0; t <= told.end; t += step) parts.push(element("text", { x: x(t), y: HEIGHT - 4, "text-anchor": !t ? "start" : x(t) > width - 24 ? "end" : "middle" }, `${t} s`));
    for (const line of lines) parts.push(element("path", { class: `curve ${line.look}`, d: path(line.y, x, height) }));
    if (bin >= 0) parts.push(element("line", { class: "cursor", x1: x((bin + .5) * told.width), x2: x((bin + .5) * told.width), y1: TOP, y2: HEIGHT - BOTTOM }));
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(...parts);
    const says = lines.map((line) => [line.look, line.name, number(line.y[bin])]);
    svg.setAttribute("aria-label", `${chart.title}, ${chart.unit}: ${says.map(([, name, value]) => `${name} ${value}`).join(", ")}`);
    made.querySelector(".legend").replaceChildren(...says.map(([look, name, value]) => {
      const item = html("li", { class: look }, `${name} `);
      item.append(html("b", {}, value));
      return item;
    }));
  }

  const span = (band) => `${number(band.start)}–${band.end === null ? "" : number(band.end)} s`;

  function draw() {
    if (!told) return;
    place.hidden = false;
    slider.max = Math.max(bins() - 1, 0);
    if (newest) slider.value = slider.max;
    const bin = picked();
    output.textContent = bin < 0 ? "–" : told.width > 1 ? `${bin * told.width}–${(bin + 1) * told.width}` : `${bin}`;
    document.getElementById("bands").replaceChildren(...told.bands.map((band) => html("li", { class: `chip ${band.kind}` }, `${band.name} ${span(band)}`)));
    told.charts.forEach(drawn);
  }

  slider.addEventListener("input", () => {
    newest = slider.value === slider.max;
    draw();
  });
  new ResizeObserver(draw).observe(charts);
  return {
    get told() { return told; },
    async ask(url) {
      const answer = await fetch(`${url}?drawn=${encodeURIComponent(told?.key ?? "")}`);
      const found = answer.ok && !answer.redirected ? await answer.json() : null;
      if (!found) return;
      if (told && found.run !== told.run) newest = true;
      told = found;
      draw();
    },
    hide() {
      told = null;
      place.hidden = true;
    },
  };
})();
