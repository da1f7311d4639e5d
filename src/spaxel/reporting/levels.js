// All levels of the merge tree in the page: one number moves map, legend, spectra, table and confidence together.
// A component at any level is a node; `told` holds the nodes and, of each level, which of them are its components.
"use strict";
(() => {
  const told = JSON.parse(document.getElementById("told")?.textContent ?? "null");
  if (!told) return;
  const at = (id) => document.getElementById(id);
  const NO_DATA = 255;
  let state = told.own, alone = null, levels = null, wide = null;

  const inflate = async (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
  };
  const owners = (of) => {  // the place of its component in a state, for each part
    const found = new Array(told.parts).fill(-1);
    of.nodes.forEach((node, i) => told.nodes[node].members.forEach((part) => (found[part] = i)));
    return found;
  };
  const pale = (color) => {
    const paper = spaxel.dark() ? 40 : 238;
    return "#" + [1, 3, 5].map((i) => Math.round(0.12 * parseInt(color.slice(i, i + 2), 16) + 0.88 * paper).toString(16).padStart(2, "0")).join("");
  };
  const seen = (node) => alone === null || alone === node;

  const showMap = () => {
    const owner = owners(state), mapper = spaxel.named("label colors"), parts = spaxel.named("parts");
    const colors = state.nodes.map((node) => (seen(node) ? told.nodes[node].color : pale(told.nodes[node].color)));
    if (mapper) mapper.palette = owner.map((i) => (i < 0 ? "#ffffff" : colors[i]));
    if (parts) parts.data = { name: owner.map((i) => state.names[i] ?? "") };
    const strip = at("strip");
    if (strip) drawStrip(strip, owner, colors);
    for (const row of document.querySelectorAll("[data-part]")) {
      const i = owner[Number(row.dataset.part)];
      if (i >= 0) nameCell(row, state.nodes[i], state.names[i]);
    }
  };
  const nameCell = (row, node, name) => {
    const cell = row.querySelector(".name");
    cell.querySelector(".swatch").style.background = told.nodes[node].color;
    cell.lastChild.textContent = " " + name;
    row.classList.toggle("dim", !seen(node));
  };
  const drawStrip = (canvas, owner, colors) => {
    const context = canvas.getContext("2d"), parts = told.strip;
    canvas.width = parts.length;
    parts.forEach((part, x) => {
      if (part < 0) return;
      context.fillStyle = colors[owner[part]];
      context.fillRect(x, 0, 1, canvas.height);
    });
  };

  const percent = (share) => (share === null ? "background" : share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);
  const showNames = () => {
    const place = new Map(state.nodes.map((node, i) => [node, i]));
    for (const part of document.querySelectorAll("[data-nodes]")) {
      const rows = [...part.querySelectorAll("[data-node]")];
      rows.sort((a, b) => (place.get(Number(a.dataset.node)) ?? 1e9) - (place.get(Number(b.dataset.node)) ?? 1e9));
      rows.forEach((row) => {
        const node = Number(row.dataset.node), i = place.get(node);
        row.hidden = i === undefined;
        row.parentElement.append(row);  // in the order of this level
        if (row.hidden) return;
        const name = row.querySelector(".name"), sure = row.querySelector(".sure");
        name.textContent = part.dataset.nodes === "short" ? state.names[i].replace(/^component /, "") : state.names[i];
        if (row.matches("button")) row.title = `${state.names[i]}: a click shows it alone`;
        if (sure) sure.textContent = state.sure[i] === null ? "–" : (Math.floor(100 * state.sure[i] + 1e-6) / 100).toFixed(2);
        row.classList.toggle("dim", !seen(node));
        if (row.matches("button")) row.setAttribute("aria-pressed", alone === node);
      });
      const last = part.querySelector(".last");
      if (last) part.append(last);
    }
  };

  const showSpectra = () => {
    const figure = spaxel.named("show nodes");
    const { nodes, names } = state, colors = nodes.map((node) => told.nodes[node].color);
    return figure?.execute(figure, { nodes, names, colors, seen: nodes.map(seen) });
  };

  const asImage = (source, bytes, shape, step) => {
    const old = source.data.image[0], made = new old.constructor(bytes, shape);
    source.data = { image: [made], dw: [shape[1] * step], dh: [shape[0] * step], step: [step] };
  };
  const showConfidence = async () => {
    const source = spaxel.named("confidence"), wanted = state;
    if (!source) return;
    source.own ??= { ...source.data };
    if (wanted === told.own) return void (source.data = source.own);
    if (wanted.level === 1) {
      const image = source.own.image[0];
      return asImage(source, image.map((v) => (v === NO_DATA ? v : 100)), image.shape, source.own.step[0]);
    }
    levels ??= told.maps && inflate(told.maps.data).then((bytes) => {
      const size = told.maps.shape[0] * told.maps.shape[1];  // each level is told as what it differs by from the one before
      for (let i = size; i < bytes.length; i++) bytes[i] = (bytes[i] + bytes[i - size]) & 255;
      return told.maps.levels.map((_, i) => bytes.slice(i * size, (i + 1) * size));
    });
    const bytes = (await levels)?.[told.maps.levels.indexOf(wanted.level)];
    if (bytes && state === wanted) asImage(source, bytes, told.maps.shape, told.maps.step);
  };

  const showWords = () => {
    const own = state === told.own, slider = at("level");
    if (!slider) return;
    slider.value = state.level;
    slider.setAttribute("aria-valuetext", `${state.nodes.length} components`);
    at("level-number").textContent = state.nodes.length;
    at("level-word").textContent = state.nodes.length === 1 ? "component" : "components";
    at("plain").textContent = state.say;
    at("back").hidden = own;
    at("cut").hidden = own;
    at("cut-command").textContent = `${told.cut} ${state.level}`;
    document.body.classList.toggle("moved", !own);
  };
  const show = async (to) => {
    if (alone !== null && !to.nodes.includes(alone)) alone = null;
    state = to;
    showMap();
    showNames();
    showWords();
    await showSpectra();
    await showConfidence();
    document.documentElement.dataset.level = state.level;
  };

  const SHAPES = {  // from how far a value lies between black (0) and what burns out (1), up to `top`
    asinh: (t, top) => Math.asinh(told.wide.soft * t) / Math.asinh(told.wide.soft * top),
    log: (t, top) => Math.log(1 + (1000 * t) / top) / Math.log(1001),
    linear: (t, top) => t / top,
  };
  const stretch = async (how) => {
    const source = spaxel.named("picture");
    source.own ??= { ...source.data };
    for (const button of document.querySelectorAll("[data-stretch]")) button.setAttribute("aria-pressed", button.dataset.stretch === how);
    if (!SHAPES[how]) return void (source.data = source.own);
    wide ??= inflate(told.wide.data);
    const bytes = await wide, [rows, columns] = told.wide.shape;
    const tables = told.wide.top.map((top) => Uint8Array.from({ length: 256 }, (_, v) => {
      const t = Math.sinh((v / 255) * Math.asinh(told.wide.soft * top)) / told.wide.soft;
      return Math.round(255 * Math.min(1, Math.max(0, SHAPES[how](t, top))));
    }));
    const rgba = new Uint8Array(rows * columns * 4).fill(255);
    for (let i = 0, n = rows * columns; i < n; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = tables[c][bytes[3 * i + c]];
    asImage(source, new Uint32Array(rgba.buffer), told.wide.shape, told.wide.step);
    document.documentElement.dataset.stretch = how;
  };

  spaxel.ready.then(() => {
    const slider = at("level"), byLevel = new Map(told.states.map((one) => [one.level, one]));
    if (told.same) byLevel.set(told.own.level, told.own);  // the report is a level of its tree, not changed by hand
    slider?.addEventListener("input", () => show(byLevel.get(Number(slider.value))));
    at("back")?.addEventListener("click", () => show(told.own));
    for (const entry of document.querySelectorAll("button[data-node]"))
      entry.addEventListener("click", () => {
        alone = alone === Number(entry.dataset.node) ? null : Number(entry.dataset.node);
        show(state);
      });
    for (const button of document.querySelectorAll("[data-stretch]")) button.addEventListener("click", () => stretch(button.dataset.stretch));
    at("theme")?.addEventListener("click", () => alone !== null && showMap());
    if (at("strip")) showMap();
  });
})();
