// Show other nodes: their spectra in the places of those that are drawn, a place for each entry of the legend. A place more than
// there were is made like the first, once. cb_data: nodes, and of each its name, its color, and whether it is seen.
const {nodes, names, colors, seen} = cb_data;
const entries = cb_obj.entries ??= [...legend.items];  // all that were ever made
const alike = (model, other) => new model.constructor({...model.attributes, ...other});
const part = (entry, name) => entry.renderers.find(r => r.name == name);
const line = entry => entry.renderers.at(-1);
const plain = text => text.replace(/(\$|\\)(?=[$()\[\]])/g, '$1\u200b');  // as Python does: no formulas
const short = text => text.length <= 28 ? text : text.slice(0, 27).trimEnd() + '…';
const made = (renderer, source, glyph, name) => new renderer.constructor({data_source: source, glyph: alike(renderer.glyph, glyph), name});

const another = (like, i) => {
  const curve = line(like), band = part(like, 'band'), Source = curve.data_source.constructor;
  const source = new Source({data: {...curve.data_source.data}, name: `spectrum ${i}`});
  const renderers = band == null ? [] : [made(band, new Source({data: {x: [], y: []}}), {}, 'band')];
  return new like.constructor({renderers: [...renderers, made(curve, source, {}, String(i))]});
};
const casing = entry => {  // below a line that is too light, or too dark
  const curve = line(entry);
  return made(curve, curve.data_source, {line_color: {value: '#777777'}, line_width: {value: 3}}, 'casing');
};
const row = (column, node) => {
  const n = column.shape[1];
  return column.slice(node * n, (node + 1) * n);
};

const before = new Set(entries.flatMap(entry => entry.renderers));
const here = nodes.map((node, i) => {
  const entry = entries[i] ??= another(entries[0], i), curve = line(entry), band = part(entry, 'band');
  const data = {x: curve.data_source.data.x};
  for (const [name, column] of Object.entries(numbers.data)) data[name] = row(column, node);
  curve.data_source.data = data;
  curve.glyph.line_color = {value: colors[i]};
  if (curve.glyph.type == 'Scatter') curve.glyph.fill_color = {value: colors[i]};
  if (band != null) band.glyph.fill_color = {value: colors[i]};
  entry.casing ??= part(entry, 'casing') ?? (cased[node] ? casing(entry) : null);
  entry.renderers = [band, cased[node] ? entry.casing : null, curve].filter(r => r != null);
  for (const renderer of entry.renderers) renderer.visible = seen[i];
  entry.label = {value: plain(short(names[i]))};
  return entry;
});
plot.renderers = [...plot.renderers.filter(r => !before.has(r)), ...here.flatMap(entry => entry.renderers)];
legend.ncols = 1 + Math.floor((here.length - 1) / 20);
legend.label_width = here.length > 20 ? 8 * Math.max(...here.map(entry => entry.label.value.length)) : 20;
legend.items = here;
hover.renderers = here.map(line);
return draw.execute(scale);
