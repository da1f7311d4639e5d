// What lies under the pointer, as text: pixel, place in the world, component, value. No question to the server.
const [px, py] = [cb_obj.x, cb_obj.y];
const under = source => {
  const d = source.data;
  const image = d.image[0];
  if (!image || !image.shape) return null;
  const [rows, columns] = image.shape;
  const j = Math.floor((px - d.x[0]) / d.dw[0] * columns), i = Math.floor((py - d.y[0]) / d.dh[0] * rows);
  return i < 0 || j < 0 || i >= rows || j >= columns ? null : image[i * columns + j];
};
const parts = [`x ${Math.floor(px)}, y ${Math.floor(py)}`];
const [columns, rows] = [sheet.data.w[0], sheet.data.h[0]];
if (px < 0 || py < 0 || px >= columns || py >= rows) {
  words.text = ' ';
} else {
  const s = about.straight;
  if (s) parts.push(`${about.names[0]} ${(s[0] + s[1] * px).toPrecision(8)}, ${about.names[1]} ${(s[2] + s[3] * py).toPrecision(8)} ${about.unit}`);
  if (labels.visible) {
    const label = under(label_source);
    if (label !== null) parts.push(label < 0 ? 'no data' : about.components[label] ?? '');
  }
  if (values.visible) {
    const value = under(value_source);
    if (value !== null) parts.push(Number.isFinite(value) ? Number(value.toPrecision(5)).toString() : 'no value');
  }
  words.text = parts.join(' · ');
}
