"""Maps of a quantity: abundance, net counts, flux, residual. Viridis, each with its colour bar; the pointer reads values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    CustomJSHover,
    HoverTool,
    Image,
    LinearColorMapper,
    PlainText,
    RadioButtonGroup,
)
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from spaxel.figures.maps import CLEAR, INK, Frame
from spaxel.figures.marks import plain
from spaxel.figures.reduce import reduce_mean

STEPS = 254  # of the map; 255 is no data
LARGEST = 512  # pixels on a side
BYTES = 900_000  # of all maps of one kind on a page
STRETCHES = ("linear", "square root")
_READ = """
const share = value / steps;
return value > steps ? 'no data' : String(Number((low + (high - low) * share * share).toPrecision(3))) + unit;
"""


def side_for(n: int, scale: float = 1.0) -> int:
    """Most pixels on a side of each of n maps, so that all of them together stay small. scale : of what they may hold."""
    return int(min(LARGEST, (scale * BYTES / max(n, 1)) ** 0.5))


def limits(values: np.ndarray, *, from_zero: bool = True) -> tuple[float, float]:
    """The ends of the colours of a map: 1 and 99.5 % of what is known; from zero where nothing is much below it."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = np.quantile(known, (0.01, 0.995)).tolist()
    low = 0.0 if from_zero else low
    return (low, high) if high > low else (low, float(max(known.max(), low + 1e-12)))


def quantity_map(
    values: np.ndarray,
    frame: Frame,
    ends: tuple[float, float],
    *,
    unit: str = "",
    name: str = "map",
    side: int = 512,
    stretch: int = 0,
) -> figure:
    """A map (y, x) from ends[0] (dark) to ends[1] (yellow) in a frame, with its colour bar; nan is no data.

    unit : of the values, at the colour bar and under the pointer      name : of the figure and its source
    side : most pixels on a side; a larger map is reduced by means. Values beyond the ends have the colour of the end.
    stretch : of the colours, a place in STRETCHES. The image holds roots of values, so that faint ones keep their digits
    """
    low, high = ends
    small = reduce_mean(np.asarray(values), side)
    share = np.clip((np.nan_to_num(small) - low) / max(high - low, 1e-30), 0, 1)
    image = np.where(np.isfinite(small), np.round(np.sqrt(share) * STEPS), 255).astype(np.uint8)
    plot = frame.figure(name)
    plot.name = name
    plot.xaxis.axis_label = plot.yaxis.axis_label = None
    source = ColumnDataSource({"image": [image], "ends": [[low, high]]}, name=f"{name} values")
    mapper = LinearColorMapper(palette=_palettes()[stretch][0], low=0, high=STEPS, high_color=CLEAR)
    drawn = plot.add_glyph(source, Image(image="image", x=0, y=0, color_mapper=mapper, **frame.extent(image, side)))
    said = plain(unit)
    args = {"low": low, "high": high, "steps": STEPS, "unit": f" {said}" if said else ""}
    tips = [("", "@image{custom}"), ("x, y", "$x{custom}, $y{custom}")]
    formatters = {"@image": CustomJSHover(args=args, code=_READ), "$x": frame.pixel, "$y": frame.pixel}
    plot.add_tools(
        HoverTool(renderers=[drawn], tooltips=tips, formatters=formatters, point_policy="follow_mouse", visible=False)
    )
    frame.add_bar(plot)
    plot.add_layout(quantity_bar(ends, said, stretch), "right")
    return plot


def quantity_bar(ends: tuple[float, float], unit: str, stretch: int = 0) -> ColorBar:
    """The colour bar of a map, with its unit."""
    high = ends[1] if ends[1] > ends[0] else ends[0] + 1e-12
    mapper = LinearColorMapper(palette=_palettes()[stretch][1], low=ends[0], high=high)
    return ColorBar(
        color_mapper=mapper, width=10, padding=4, title=PlainText(text=unit) if unit else None,
        ticker=BasicTicker(desired_num_ticks=5), title_text_font_style="normal", title_text_font="sans-serif",
        title_text_font_size="12px", title_text_color=INK, major_label_text_color=INK, major_label_text_font="sans-serif",
        background_fill_color=None, title_standoff=6,
    )  # fmt: skip


def stretch_switch(plots: Sequence[figure], stretch: int = 0) -> RadioButtonGroup:
    """A switch between the stretches of these maps and their colour bars."""
    images = [r.glyph.color_mapper for plot in plots for r in plot.renderers if hasattr(r.glyph, "color_mapper")]
    bars = [bar.color_mapper for plot in plots for bar in plot.right if isinstance(bar, ColorBar)]
    buttons = RadioButtonGroup(labels=list(STRETCHES), active=stretch)
    code = """
    for (const [mappers, i] of [[images, 0], [bars, 1]])
      for (const mapper of mappers) mapper.palette = palettes[cb_obj.active][i];
    """
    args = {"images": images, "bars": bars, "palettes": _palettes()}
    buttons.js_on_change("active", CustomJS(args=args, code=code))
    return buttons


@cache
def _palettes() -> list[list[list[str]]]:
    """Of each stretch the colours of the image, which holds roots of values, and those of the bar, which is linear."""
    root = np.linspace(0, 1, STEPS + 1)
    places = [(root**2, root), (root, np.sqrt(root))]
    return [[[Viridis256[round(255 * float(v))] for v in part] for part in pair] for pair in places]
