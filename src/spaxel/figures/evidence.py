"""What speaks for the number of components: a curve for each check, the number that it names marked.

Drawn as SVG text: nothing moves in them, and six Bokeh figures took a third of the time of a page.
"""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import printable

LINE, DOT = "#808080", "#D55E00"  # seen on white and on a dark page; the text has the colour of the page
ROOM = {"left": 52, "right": 8, "top": 26, "bottom": 40}  # pixels beside the axes: numbers, title, words
LEAST = 1e-300  # pixels divided by less are no number
CHARACTER = 7.2  # pixels of a character of 12 px, at most


def votes(result: xr.Dataset) -> dict[str, int]:
    """The level that each check names; empty where the result does not say."""
    found = result["evidence"].attrs.get("votes", {}) if "evidence" in result else {}
    found = json.loads(found) if isinstance(found, str) else found  # runs of before hold the mapping itself
    return {str(name): int(level) for name, level in dict(found).items() if level is not None}


def evidence_svgs(result: xr.Dataset, *, width: int = 228, height: int = 180) -> list[str]:
    """One small drawing (SVG) for each check that has a value: value against number of components, the one it names as a dot.

    Before them the probability of each number, where the result holds it. The dashed line is the number that was taken. The
    result must hold `evidence` (criterion, level).
    """
    evidence = result["evidence"]
    levels = np.asarray(evidence["level"] if "level" in evidence.coords else np.arange(evidence.sizes["level"]), float)
    names = evidence["criterion"].values if "criterion" in evidence.coords else range(evidence.sizes["criterion"])
    probability = np.asarray(evidence.attrs.get("probability", []), float)
    ends = levels.min() - (1.5 if len(probability) else 0.5), levels.max() + 0.5
    taken = result.attrs.get("n_components", result.sizes.get("component"))
    shared: dict[str, Any] = {"ends": ends, "taken": None if taken is None else int(taken), "size": (width, height)}
    drawn = []
    if len(probability):
        likely = int(probability.argmax()) + 1
        drawn.append(_curve("probability", np.arange(1.0, len(probability) + 1), probability, likely, **shared))
    for name, values in zip(names, np.asarray(evidence, float), strict=True):
        if np.isfinite(values).any():
            drawn.append(_curve(str(name), levels, values, votes(result).get(str(name)), **shared))
    return drawn


def level_svg(name: str, curve: dict[int, float], taken: int, *, width: int = 384, height: int = 240) -> str:
    """One curve over numbers of components: the highest as a dot, the number that was taken as a dashed line."""
    levels, values = np.array(list(curve), float), np.array(list(curve.values()), float)
    ends = levels.min() - 0.5, levels.max() + 0.5
    return _curve(name, levels, values, int(levels[values.argmax()]), ends=ends, taken=taken, size=(width, height))


def _curve(name: str, levels, values, vote, *, ends, taken, size: tuple[int, int]) -> str:
    """The drawing: axes with ticks, the line with a point at each number, the vote, the number taken."""
    (width, height), good = size, np.isfinite(values)
    across = (ROOM["left"], width - ROOM["right"])
    down = (height - ROOM["bottom"], ROOM["top"])
    low, high = _room(values[good])

    def x(level: float) -> str:
        return f"{np.interp(level, ends, across):.1f}"

    def y(value: float) -> str:
        return f"{np.interp(value, (low, high), down):.1f}"

    title = name if vote is None else f"{name}: {vote}"
    parts = [_text(title, across[0] - 8, 13, limit=int((width - across[0]) / CHARACTER))]
    parts.append(f'<path d="M{across[0]} {down[1]}V{down[0]}H{across[1]}" fill="none" stroke="{LINE}"/>')
    step = max(1, math.ceil(np.ptp(levels) / 6))
    for level in range(math.ceil(ends[0]), math.floor(ends[1]) + 1):
        if level % step == 0:
            parts.append(f'<path d="M{x(level)} {down[0]}v4" stroke="{LINE}"/>')
            parts.append(_text(str(level), float(x(level)), down[0] + 17, anchor="middle"))
    for tick in nice_ticks(low, high):
        parts.append(f'<path d="M{across[0]} {y(tick)}h-4" stroke="{LINE}"/>')
        parts.append(_text(f"{tick:.6g}".replace("-", "\u2212"), across[0] - 7, float(y(tick)) + 4, anchor="end"))
    parts.append(_text("number of components", sum(across) / 2, height - 6, anchor="middle"))
    if taken is not None and ends[0] <= taken <= ends[1]:
        line = f"M{x(taken)} {down[0]}V{down[1]}"
        parts.append(f'<path d="{line}" stroke="currentColor" stroke-opacity="0.5" stroke-dasharray="6 4"/>')
    points = [(x(a), y(b)) for a, b in zip(levels[good], values[good], strict=True)]
    line = " ".join(f"{a},{b}" for a, b in points)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>')
    parts += [f'<circle cx="{a}" cy="{b}" r="2" fill="{LINE}"/>' for a, b in points]
    parts += [
        f'<circle cx="{x(a)}" cy="{y(b)}" r="5.5" fill="{DOT}"/>'
        for a, b in zip(levels[good], values[good], strict=True)
        if a == vote
    ]
    said = escape(printable(f"{title}; number of components {levels[0]:.0f} to {levels[-1]:.0f}"))
    head = f'<svg width="{width}" height="{height}" role="img" aria-label="{said}" font-family="sans-serif" font-size="12">'
    return f"{head}{''.join(parts)}</svg>"


def _room(values: np.ndarray) -> tuple[float, float]:
    """What the axis of these values spans: a little more than they do, and something where all are one."""
    low, high = float(values.min()), float(values.max())
    more = 0.06 * next((size for size in (high - low, abs(high)) if size > LEAST), 0.0) or 1.0
    return low - more, high + more


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` numbers between low and high that are 1, 2 or 5 times a power of ten apart; none if there is no room.

    >>> nice_ticks(0.41, 0.452)
    [0.41, 0.42, 0.43, 0.44, 0.45]
    """
    if not low < high:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power, 2 * power, 5 * power, 10 * power):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [float(f"{n * step:.12g}") for n in range(first, last + 1)]
    return []


def _text(text: str, x: float, y: float, *, anchor: str = "start", limit: int = 100) -> str:
    shown = text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(printable(shown))}</text>'
