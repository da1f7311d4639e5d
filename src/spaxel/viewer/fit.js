// Square pixels, whatever the size of the map on the screen: the whole image until somebody zooms.
const [W, H] = [plot.inner_width, plot.inner_height];
const [x, y] = [plot.x_range, plot.y_range];
if (W > 0 && H > 0) {
  const [columns, rows] = [sheet.data.w[0], sheet.data.h[0]];
  const flip = y.start > y.end;
  const whole = how === 'whole' || (how === 'resize' && plot.tags[0] !== 'zoomed');
  let [cx, cy] = [(x.start + x.end) / 2, (y.start + y.end) / 2];
  let scale = Math.max(Math.abs(x.end - x.start) / W, Math.abs(y.end - y.start) / H);
  if (whole) { [cx, cy, scale] = [columns / 2, rows / 2, Math.max(columns / W, rows / H)]; plot.tags = []; }
  if (how === 'in') { scale /= 1.6; plot.tags = ['zoomed']; }
  if (how === 'out') { scale *= 1.6; plot.tags = ['zoomed']; }
  let [w, h] = [scale * W / 2, scale * H / 2];
  if (whole && 30 * Math.min(columns, rows) < Math.max(columns, rows)) [w, h] = [columns / 2, rows / 2];  // a list of spectra
  x.setv({start: cx - w, end: cx + w});
  y.setv(flip ? {start: cy + h, end: cy - h} : {start: cy - h, end: cy + h});
}
