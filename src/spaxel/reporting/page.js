// The page as it is looked at: light or dark, as wide as the screen, printed, commands copied. Nothing is fetched.
"use strict";
const spaxel = {
  ready: new Promise((done) => {
    const wait = () => {
      const drawn = window.Bokeh?.documents?.length && Bokeh.documents.every((d) => d.is_idle);
      drawn || !document.querySelector("[data-root-id]") ? done() : setTimeout(wait, 20);
    };
    document.addEventListener("DOMContentLoaded", () => setTimeout(wait, 0));
  }),
  models: () => (window.Bokeh?.documents ?? []).flatMap((d) => [...d.all_models]),
  named: (name) => spaxel.models().find((m) => m.name === name),
  dark: () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark",
};

(() => {
  const LIGHT = { paper: "#ffffff", ink: "#333333", line: "#999999", faint: "#cccccc", hatch: "#d8d8d8", curve: "#666666" };
  const DARK = { paper: "#1b1c1e", ink: "#dcdcdc", line: "#8a8a8a", faint: "#4a4a4a", hatch: "#3a3a3a", curve: "#a8a8a8" };

  const set = (model, values) => {
    for (const [name, value] of Object.entries(values)) if (name in model.properties) model[name] = value;
  };
  const swapped = (color, from, to) => {  // a colour of the one style as that of the other; colours of data stay
    const name = Object.keys(from).find((key) => key !== "paper" && from[key] === String(color?.value ?? color ?? "").toLowerCase());
    return name ? to[name] : null;
  };
  const BUTTONS = ".bk-btn { background: var(--soft); color: var(--ink); border-color: var(--faint); } .bk-btn:hover { background: var(--faint); } " +
    ".bk-btn.bk-active { background: var(--faint); color: var(--ink); border-color: var(--accent); } @media print { :host { display: none !important; } }";
  const QUIET = "@media print { :host { visibility: hidden; } }";  // no tools on paper
  const dress = (model, css) => { if (!model.stylesheets.includes(css)) model.stylesheets = [...model.stylesheets, css]; };
  let now = LIGHT;
  const paint = () => {
    const before = now, c = spaxel.dark() ? DARK : LIGHT;
    now = c;
    document.documentElement.dataset.shown = c === DARK ? "dark" : "light";
    for (const model of spaxel.models()) {
      const kind = model.type;
      if (kind === "Figure" || kind === "Plot") set(model, { border_fill_color: c.paper, border_line_color: c.paper, background_fill_color: c.paper });
      else if (kind.endsWith("Axis")) set(model, { axis_label_text_color: c.ink, major_label_text_color: c.ink, axis_line_color: c.line, major_tick_line_color: c.line });
      else if (kind === "Legend") set(model, { label_text_color: c.ink, background_fill_color: c.paper });
      else if (kind === "ColorBar") set(model, { title_text_color: c.ink, major_label_text_color: c.ink });
      else if (kind === "RadioButtonGroup") dress(model, BUTTONS);
      else if (kind === "Toolbar") dress(model, QUIET);
      else if (kind === "Title") set(model, { text_color: c.ink });
      else if (kind === "Span") set(model, { line_color: c.ink });
      else if (kind === "GlyphRenderer" && model.tags.includes("no data")) set(model.glyph, { fill_color: { value: c.paper }, line_color: { value: c.faint }, hatch_color: { value: c.hatch } });
      else if (kind === "GlyphRenderer" && before !== c)
        for (const part of ["line_color", "fill_color", "text_color"]) {
          const other = model.glyph && part in model.glyph.properties ? swapped(model.glyph[part], before, c) : null;
          if (other) model.glyph[part] = { value: other };
        }
    }
    const button = document.getElementById("theme");
    if (button) button.textContent = c === DARK ? "light" : "dark";
  };

  const first = new Map();  // sizes of figures as they were made
  const share = (plot, room) => {  // of the width: maps side by side have the legend beside them
    const row = document.querySelector(`[data-root-id="${plot.id}"]`)?.closest(".first");
    if (!row || getComputedStyle(row).flexWrap !== "nowrap") return room;
    const maps = row.querySelectorAll(".map").length, legend = row.querySelector(".legend")?.offsetWidth ?? 0;
    return (room - legend - maps * parseFloat(getComputedStyle(row).columnGap)) / maps;
  };
  const fit = () => {
    const room = document.body.clientWidth - parseFloat(getComputedStyle(document.body).paddingLeft) * 2;
    for (const plot of spaxel.models().filter((m) => m.type === "Figure")) {
      if (!first.has(plot)) first.set(plot, { width: plot.width, height: plot.height });
      const made = first.get(plot);
      if (plot.tags[0] === "map") {
        const [, width, height] = plot.tags, around = Math.max(plot.outer_width - plot.inner_width, 0) || 70;
        const scale = Math.min(1, Math.max(80, share(plot, room) - around) / width);
        set(plot, { frame_width: Math.round(width * scale), frame_height: Math.round(height * scale) });
      } else if (made.width && plot.sizing_mode == null) plot.width = Math.min(made.width, room);
    }
    document.documentElement.dataset.fit = innerWidth;
  };
  const touch = () => {  // a finger scrolls the page; a tool is chosen by its button
    if (!matchMedia("(pointer: coarse)").matches) return;
    for (const tool of spaxel.models().filter((m) => ["PanTool", "BoxZoomTool"].includes(m.type))) tool.active = false;
  };

  addEventListener("beforeprint", () => document.querySelectorAll("details.plain").forEach((fold) => (fold.open = true)));
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme")?.addEventListener("click", () => {
      document.documentElement.dataset.theme = spaxel.dark() ? "light" : "dark";
      paint();
    });
    document.getElementById("print")?.addEventListener("click", async () => {
      const before = document.documentElement.dataset.theme;
      document.documentElement.dataset.theme = "light";
      paint();
      await new Promise((done) => setTimeout(done, 300));
      window.print();
      if (before === undefined) delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = before;
      paint();
    });
    for (const button of document.querySelectorAll("[data-copy]"))
      button.addEventListener("click", async () => {
        const source = document.getElementById(button.dataset.copy);
        try {
          await navigator.clipboard.writeText(source.textContent);
          button.textContent = "copied";
          setTimeout(() => (button.textContent = "copy"), 1500);
        } catch {  // not allowed: select it, so that Ctrl+C does
          getSelection().selectAllChildren(source);
        }
      });
  });
  spaxel.ready.then(() => {
    paint();
    touch();
    fit();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    let later = 0;
    addEventListener("resize", () => { clearTimeout(later); later = setTimeout(fit, 60); });
    document.documentElement.dataset.ready = "yes";
  });
})();
