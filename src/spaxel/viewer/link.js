// Two maps of one image show the same place: the one that is moved leads, the other has as much on it, with square pixels.
const [W, H] = [follows.inner_width, follows.inner_height];
if (W > 0 && H > 0 && !leads.tags.includes('led')) {
  const [x, y] = [leads.x_range, leads.y_range];
  const scale = Math.max(Math.abs(x.end - x.start) / W, Math.abs(y.end - y.start) / H);
  const [cx, cy, w, h] = [(x.start + x.end) / 2, (y.start + y.end) / 2, scale * W / 2, scale * H / 2];
  const up = y.start > y.end ? 1 : -1;
  const kept = follows.tags.filter((tag) => tag !== 'led');
  follows.tags = ['zoomed', 'led'];
  follows.x_range.setv({start: cx - w, end: cx + w});
  follows.y_range.setv({start: cy + up * h, end: cy - up * h});
  setTimeout(() => { follows.tags = kept.includes('zoomed') || leads.tags[0] === 'zoomed' ? ['zoomed'] : kept; }, 0);
}
