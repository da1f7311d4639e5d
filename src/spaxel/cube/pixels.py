"""How large a pixel is in the world: attrs `pixel_size` [y, x] and `pixel_units` of a cube or a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

METRIC = {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3}
_SHOWN = {"nm": 1e-9, "um": 1e-6, "mm": 1e-3, "m": 1.0, "km": 1e3}
_NICE = (1, 2, 5)


def pixel_size(attrs: Mapping[Any, Any]) -> tuple[float, float, str] | None:
    """(height, width, unit) of a pixel in a unit that gives handy numbers; None if nothing is known of it.

    >>> pixel_size({"pixel_size": [2e-9, 2e-9], "pixel_units": "m"})
    (2.0, 2.0, 'nm')
    """
    try:
        height, width = (float(side) for side in attrs["pixel_size"])
    except (KeyError, TypeError, ValueError):
        return None
    if not all(np.isfinite(side) and side > 0 for side in (height, width)):
        return None
    unit = str(attrs.get("pixel_units", "")).strip()
    unit = {"µm": "um", "μm": "um", "micron": "um", "micrometer": "um"}.get(unit, unit)
    if unit not in METRIC or (min(height, width) >= 0.01 and max(height, width) < 10_000):
        return height, width, unit
    metres = width * METRIC[unit]
    better = max((u for u, size in _SHOWN.items() if size <= metres), key=lambda u: _SHOWN[u], default="nm")
    factor = METRIC[unit] / _SHOWN[better]
    return float(f"{height * factor:.12g}"), float(f"{width * factor:.12g}"), better


def pixel_words(attrs: Mapping[Any, Any]) -> str:
    """'1.5 x 1.5 um' (y, x), or '' if nothing is known.

    >>> pixel_words({"pixel_size": [1.5, 3], "pixel_units": "um"})
    '1.5 x 3 um'
    """
    found = pixel_size(attrs)
    return f"{found[0]:.4g} x {found[1]:.4g} {found[2]}".strip() if found else ""


def scale_bar(attrs: Mapping[Any, Any], columns: int) -> tuple[float, str] | None:
    """(length in pixels, '50 um') of a bar of a round length, at most a fourth of the image wide; None if nothing is known.

    columns : pixels of the image along x
    """
    found = pixel_size(attrs)
    if found is None or not found[2]:
        return None
    most = found[1] * columns / 4
    power = 10.0 ** np.floor(np.log10(most))
    length = max(step * power for step in _NICE if step * power <= most)
    return length / found[1], f"{length:g} {found[2]}"
