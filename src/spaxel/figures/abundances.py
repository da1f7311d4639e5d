"""How much of each component, and what they leave: small maps of an image, profiles of a list of spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import Range1d
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from spaxel.errors import printable
from spaxel.figures.maps import component_names, component_rgb
from spaxel.figures.palette import to_rgb
from spaxel.figures.reduce import png, reduce_mean
from spaxel.figures.spectra import plain_axes
from spaxel.results.convention import spectra_names

MOST = 40  # profiles that are drawn
NAMED = 60  # spectra whose names are written below the profiles


def quantity_png(values: np.ndarray, top: float, origin: str, side: int = 256, *, bottom: float = 0.0) -> bytes:
    """A map from `bottom` (dark) to `top` (yellow, viridis) as a small PNG file; nan is clear. values : (y, x)."""
    small = reduce_mean(np.asarray(values), side)
    known = np.isfinite(small)
    place = (
        np.where(known, np.clip((np.nan_to_num(small) - bottom) / max(top - bottom, 1e-30), 0, 1) * 255, 0)
        .round()
        .astype(int)
    )
    rgba = np.zeros((*small.shape, 4), np.uint8)
    rgba[..., :3] = (to_rgb(list(Viridis256)) * 255).round().astype(np.uint8)[place]
    rgba[..., 3] = np.where(known, 255, 0)
    return png(rgba[::-1] if origin == "lower" else rgba)


def profiles(result: xr.Dataset, colors: Sequence[str], *, width: int = 1180, height: int = 320) -> figure:
    """Abundances of a list of spectra, one line per component in its colour. The result must hold `abundances`."""
    abundances = np.asarray(result["abundances"], np.float64).reshape(-1, result.sizes["component"])
    n = len(abundances)
    plot = figure(x_range=Range1d(-0.5, n - 0.5), width=width, height=height, tools="pan,box_zoom,reset,save",
                  toolbar_location="above")  # fmt: skip
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xaxis.axis_label, plot.yaxis.axis_label = "spectrum", "abundance"
    plain_axes(plot)
    _name_spectra(plot, spectra_names(result).get("sample", ("y", []))[1])
    shown = component_rgb(result, colors)[:MOST]
    for i, (name, color) in enumerate(zip(component_names(result), shown, strict=False)):
        plot.line(np.arange(n), abundances[:, i], line_color=color, line_width=2, name=name)
        if n <= 300:
            plot.scatter(np.arange(n), abundances[:, i], size=5, color=color)
    return plot


def _name_spectra(plot: figure, names: Sequence[str]) -> None:
    """The names of a list of spectra below its profiles, where there is room for them."""
    if not 0 < len(names) <= NAMED:
        return
    plot.xaxis.ticker = list(range(len(names)))
    plot.xaxis.major_label_overrides = {i: printable(name)[:24] for i, name in enumerate(names)}
    plot.xaxis.major_label_orientation = 1.0
