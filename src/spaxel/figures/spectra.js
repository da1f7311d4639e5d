// Draw all spectra anew: linear, square root or logarithm; with the continuum or without it.
// Values as they are stay in raw_mean, raw_low, raw_high of each source. A logarithm has no value at or below zero: there the
// line has a gap, and so has a band that reaches zero.
const mode = scale.active;
const without = base_switch != null && base_switch.active == 1;
const draw = [v => v, v => v >= 0 ? Math.sqrt(v) : NaN, v => v > 0 ? Math.log10(Math.max(v, floor)) : NaN][mode];
for (const item of legend.items) {
  const source = item.renderers.at(-1).data_source, band = item.renderers.find(r => r.name == 'band');
  const data = {...source.data}, n = data.x.length;
  for (const name of ['mean', 'low', 'high']) {
    if (data[name] == null) continue;
    data['raw_' + name] = data['raw_' + name] ?? data[name];
    const raw = data['raw_' + name];
    const values = new Float64Array(n);
    for (let j = 0; j < n; j++) values[j] = draw(without ? raw[j] - data.base[j] : raw[j]);
    if (mode == 1 && name == 'low')  // a band that reaches below zero ends at zero
      for (let j = 0; j < n; j++) if (raw[j] < 0) values[j] = 0;
    data[name] = values;
  }
  source.data = data;
  if (band == null) continue;
  const x = [], y = [];
  for (let j = 0; j < n;) {
    if (!isFinite(data.low[j] + data.high[j])) { j++; continue; }
    const start = j;
    while (j < n && isFinite(data.low[j] + data.high[j])) { x.push(data.x[j]); y.push(data.low[j]); j++; }
    for (let k = j - 1; k >= start; k--) { x.push(data.x[k]); y.push(data.high[k]); }
    x.push(NaN); y.push(NaN);
  }
  band.data_source.data = {x, y};
}
formatter.args = {mode};
axis.ticker = tickers[mode];
if (titles != null) axis.axis_label = titles[without ? 1 : 0];
