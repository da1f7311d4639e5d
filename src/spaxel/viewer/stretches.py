"""How numbers become brightness: stretched, so that what is faint becomes visible beside what is bright."""

from __future__ import annotations

import numpy as np
from bokeh.palettes import Viridis256

from spaxel.figures.palette import to_rgb

STRETCHES = {"linear": "linear", "sqrt": "square root", "asinh": "asinh", "log": "log"}
SHADES = 1024


def stretched(share: np.ndarray, how: str) -> np.ndarray:
    """Numbers in 0..1 to 0..1, so that what is faint becomes visible. how : one of STRETCHES."""
    if how == "sqrt":
        return np.sqrt(share)
    if how == "asinh":
        return np.arcsinh(share * 10) / np.arcsinh(10)
    if how == "log":
        return np.log1p(share * 1000) / np.log1p(1000)
    return share


def palette_of(how: str) -> list[str]:
    """Viridis, stretched, as colours of even steps."""
    at = stretched(np.linspace(0, 1, SHADES), how) * 255
    rgb = to_rgb(list(Viridis256))
    mixed = np.stack([np.interp(at, np.arange(256), rgb[:, k]) for k in range(3)], 1)
    return ["#" + "".join(f"{round(v * 255):02X}" for v in row) for row in mixed]
