// Unpacks plotly, draws every plot in the colours of the theme, and keeps their time axes together.
"use strict";
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);

  const specs = JSON.parse(document.getElementById("specs").textContent);
  const plots = Object.keys(specs).map((id) => document.getElementById("plot-" + id));
  const themed = (value) => {
    const style = getComputedStyle(document.documentElement);
    return JSON.parse(JSON.stringify(value).replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim()));
  };
  const axis = { gridcolor: "var(--line)", zerolinecolor: "var(--line)", linecolor: "var(--line)", automargin: true };
  const base = {
    height: 300, margin: { l: 56, r: 14, t: 10, b: 64 }, hovermode: "x unified", dragmode: "zoom",
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: true,
    font: { family: "system-ui, sans-serif", size: 12, color: "var(--ink)" },
    hoverlabel: { bgcolor: "var(--card)", bordercolor: "var(--line)", font: { color: "var(--ink)" } },
    bargap: 0,
    legend: { orientation: "h", xref: "container", x: 0.02, yref: "container", y: 0, yanchor: "bottom", font: { size: 12 } },
  };
  const config = {
    responsive: true, displaylogo: false, displayModeBar: "hover", scrollZoom: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
  const draw = () => Promise.all(plots.map((plot) => {
    const { data, layout } = specs[plot.id.slice(5)];
    const full = { ...base, ...layout, margin: { ...base.margin, ...layout.margin }, xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis } };
    return Plotly.react(plot, themed(data), themed(full), config);
  }));
  await draw();

  let following = false;
  const axisOf = (plot) => specs[plot.id.slice(5)].layout.meta; // plots of one page have one axis, or name theirs
  const timed = plots.filter((plot) => specs[plot.id.slice(5)].layout.yaxis?.type !== "category");
  for (const plot of timed) {
    plot.on("plotly_relayout", async (change) => {
      if (following) return;
      const range = "xaxis.range[0]" in change ? { "xaxis.range": [change["xaxis.range[0]"], change["xaxis.range[1]"]] }
        : change["xaxis.autorange"] ? { "xaxis.autorange": true } : null;
      if (!range) return;
      following = true;
      await Promise.all(timed.filter((other) => other !== plot && axisOf(other) === axisOf(plot)).map((other) => Plotly.relayout(other, range)));
      following = false;
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", async () => {
    await draw();
    for (const plot of plots) Plotly.Plots.resize(plot);
  });
  document.documentElement.dataset.drawn = "yes";
})().catch((error) => {
  document.documentElement.dataset.drawn = "no";
  for (const plot of document.querySelectorAll(".plot")) {
    plot.textContent = "This browser cannot draw the plot (" + error.message + "). Its numbers are in the data table.";
  }
});
