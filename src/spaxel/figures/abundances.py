"""A map of a quantity as a small picture."""

from __future__ import annotations

import numpy as np
from bokeh.palettes import Viridis256

from spaxel.figures.palette import to_rgb
from spaxel.figures.reduce import png, reduce_mean


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
