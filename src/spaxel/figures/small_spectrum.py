"""A drawing of one spectrum for a table cell."""

from __future__ import annotations

import numpy as np

from spaxel.figures.bands import Bands, polygon
from spaxel.figures.palette import to_lab, to_rgb


def spectrum_svg(shown: Bands, i: int, color: str, *, flip: bool = False, width: int = 300, height: int = 36) -> str:
    """A drawing of one spectrum for a table cell, as SVG: its line and, where known, the band of its spread."""
    mean = shown.mean[i]
    top, bottom = np.nanmax(np.append(mean, 1e-30)), min(0.0, np.nanmin(np.append(mean, 0)))
    x = (shown.axis - shown.axis[0]) / (np.ptp(shown.axis) or 1.0) * width
    x = width - x if flip else x

    def points(places: np.ndarray, y: np.ndarray) -> str:
        fall = height - 1 - (y - bottom) / (top - bottom) * (height - 3)
        both = np.column_stack([places, np.clip(fall, 0, height)])
        return ("%.1f,%.1f " * len(both)).rstrip() % tuple(both.ravel().tolist())  # at once: a third of the time

    band = ""
    if shown.low is not None and shown.high is not None:
        edge, value = polygon(x, shown.low[i], shown.high[i])
        for part in _stretches(np.isfinite(value)):
            band += f'<polygon points="{points(edge[part], value[part])}" fill="{color}" fill-opacity="0.25"/>'
    casing = [("#777777", 2.3)] if light_colors([color])[0] else []
    lines = [
        f'<polyline points="{points(x[part], mean[part])}" fill="none" stroke="{ink}" stroke-width="{wide}"/>'
        for ink, wide in [*casing, (color, 1.3)]
        for part in _stretches(np.isfinite(mean))
    ]
    return f'<svg width="{width}" height="{height}" aria-hidden="true">{band}{"".join(lines)}</svg>'


def _stretches(known: np.ndarray) -> list[slice]:
    """The stretches of what is known, between gaps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    return [slice(start, end) for start, end in edges.reshape(-1, 2)]


def light_colors(colors: list[str]) -> np.ndarray:
    """Which colours are too light for a line on white, or too dark for one on a dark page: these get a grey casing."""
    light = to_lab(to_rgb(colors))[:, 0]
    return (light > 80) | (light < 25)
