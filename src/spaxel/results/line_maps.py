"""Maps of lines: net counts of elements along energy, fluxes of gas along wavelength, pixel by pixel from the cube.

    line_maps (line, y, x) = Σ over a window around the line, less a straight line through the channels on both sides

Counts are summed; flux densities are multiplied by the width of each channel. See spaxel.lines.windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.mapping import Arrays, map_tiles
from spaxel.errors import ParameterError
from spaxel.lines.asked import elements_asked, gas_asked
from spaxel.lines.candidates import Candidate
from spaxel.lines.elements import NOTES
from spaxel.lines.gas import ANGSTROM, LIGHT_SPEED, wavelengths
from spaxel.lines.patterns import RESOLUTION, detector_width, series
from spaxel.lines.peaks import steps
from spaxel.lines.windows import Weights, apart, net_weights
from spaxel.results.convention import check_result
from spaxel.results.interpretation import KEV, SHORTEST, interpret, stated_medium

MOST = 8  # lines that are taken by themselves
WIDE = 2.2  # standard deviations of a detector on each side of an X-ray line: 97 % of its counts
TAKEN = 2.5  # around other lines, which are no background
SPEED = 400.0  # km/s on each side of a line of gas
SAME = 0.0015  # of its position: two lines so near have one window, and the better supported stands for both
BESIDE = 2000.0  # km/s on each side in which its continuum is looked for


class _Plan(NamedTuple):
    """Lines, their weights, and what the sums are. lines : (name, position in units of the axis)."""

    lines: list[tuple[str, float]]
    weights: list[Weights]
    units: str
    sentence: str


class Asked(NamedTuple):
    """What is asked of line maps. lines : ("auto",), ("none",), or names     redshift, medium, resolution : see `interpret`."""

    lines: Sequence[str] = ("auto",)
    redshift: float | None = None
    medium: str | None = None
    resolution: float = RESOLUTION


def line_maps(
    cube: xr.Dataset,
    result: xr.Dataset,
    lines: str | Sequence[str] = "auto",
    *,
    redshift: float | None = None,
    medium: str | None = None,
    resolution: float = RESOLUTION,
    memory: int | None = None,
) -> xr.Dataset:
    """The result with `line_maps` (line, y, x): how much of each line is in each pixel of the cube, after its background.

    lines  : "auto" takes the clearest 8 candidates of the components (see interpret); "none" takes maps away; else names:
             elements ("Fe", "Pb La") along energy, lines of gas ("Ha", "[O III] 5007") along wavelength at a redshift
    redshift, medium, resolution : see interpret
    memory : of the one pass over the cube, see spaxel.cube.mapping
    Fails: lines of another element within a detector's width are in the sum, too (As in Pb); gas that moves by more than
    400 km/s against the redshift leaves the window. Raises ParameterError for a line that is unknown or off the axis.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=380, pigments=["azurite", "vermilion"])
    >>> result = spaxel.KMeans(n_clusters=2).fit(cube).predict(cube)
    >>> [str(name) for name in spaxel.line_maps(cube, result, ["Cu", "Hg"])["line"].values]
    ['Cu Kα', 'Hg Lα']
    """
    check_result(result)
    asked = Asked((lines,) if isinstance(lines, str) else tuple(lines), redshift, medium, resolution)
    bare = result.drop_dims("line", errors="ignore")
    plan = None if tuple(asked.lines) == ("none",) else _planned(cube, result, asked)
    if plan is None or not plan.lines:
        return bare
    fill = {"line": np.full(len(plan.lines), np.float32(np.nan))}
    net = partial(_net, plan.weights)
    maps, _ = map_tiles(net, cube, fill, memory=memory, gaps="keep")
    attrs = {"units": plan.units, "sentence": plan.sentence}
    return bare.assign_coords(line=[name for name, _ in plan.lines]).assign(
        line_maps=(("line", "y", "x"), np.moveaxis(maps["line"], -1, 0), attrs),
        line_position=("line", np.array([at for _, at in plan.lines])),
    )


def check_lines(cube: xr.Dataset, lines: Sequence[str], redshift: float | None, medium: str | None) -> None:
    """Raises ParameterError for lines that cannot be mapped in this cube, before anything is fitted."""
    if tuple(lines) not in (("auto",), ("none",)):
        _planned(cube, cube, Asked(tuple(lines), redshift, medium))


def _net(weights: Sequence[Weights], block: np.ndarray, n: int) -> tuple[Arrays, Arrays]:
    """Net sums of each line of a block of spectra, (512, line) float32."""
    return {"line": np.stack([w.of(block) for w in weights], -1).astype(np.float32)}, {}


def _planned(cube: xr.Dataset, result: xr.Dataset, asked: Asked) -> _Plan | None:
    """Lines and weights; None where nothing is known of such an axis and nothing was asked for."""
    units = str(cube["channel"].attrs.get("units", ""))
    axis, auto = np.asarray(cube["channel"], float), tuple(asked.lines) == ("auto",)
    redshift = asked.redshift if asked.redshift is not None else result.attrs.get("redshift")
    if units in KEV and len(axis) > 1 and np.ptp(axis) * KEV[units] >= SHORTEST:
        return _elements(cube, result, asked, auto)
    if units in ANGSTROM and redshift is not None and len(axis) > 1:
        return _gas(cube, result, asked._replace(redshift=float(redshift)), auto)
    if auto:
        return None
    raise ParameterError(
        f"Lines {', '.join(asked.lines)} cannot be looked for along an axis in {units or 'numbers'}"
        f"{' without a redshift. Try --redshift' if units in ANGSTROM else '. Try a cube along energy (keV)'}."
    )


def _clearest(result: xr.Dataset, asked: Asked) -> list[tuple[str, float]]:
    """The clearest candidates of all components: those with support first, those of tube and air last, one of each place."""
    found = interpret(result, asked.redshift, medium=asked.medium, resolution=asked.resolution)
    best: dict[str, Candidate] = {}
    for one in (one for own in found.candidates for one in own):
        name = f"{one.name} {one.line}".strip()
        if name not in best or _rank(one) > _rank(best[name]):
            best[name] = one
    order = sorted(best, key=lambda name: _rank(best[name]), reverse=True)
    kept: list[tuple[str, float]] = []
    for name in order:
        at = best[name].known
        if all(abs(at - other) > SAME * at for _, other in kept):
            kept.append((name, at))
    return kept[:MOST]


def _rank(one: Candidate) -> tuple[bool, int, float]:
    return one.name not in NOTES, min(len(one.support), 2), one.sigma


def _elements(cube: xr.Dataset, result: xr.Dataset, asked: Asked, auto: bool) -> _Plan:
    unit = KEV[str(cube["channel"].attrs["units"])]
    axis = np.asarray(cube["channel"], float) * unit
    if auto:
        chosen = [(name, at * unit) for name, at in _clearest(result, asked)]
    else:
        chosen = elements_asked(asked.lines, axis, asked.resolution)
    sigma = np.hypot(detector_width(axis, asked.resolution), steps(axis) / np.sqrt(12))
    own = dict.fromkeys(name.split()[0] for name, _ in chosen)
    all_lines = [float(e) for element in own for s in series(element, asked.resolution) for e in s.energy]
    taken = [(e - TAKEN * w, e + TAKEN * w) for e in all_lines for w in [float(np.interp(e, axis, sigma))]]
    half = [WIDE * float(np.interp(at, axis, sigma)) for _, at in chosen]
    kept, weights = [], []
    for (name, at), h in zip(chosen, half, strict=True):
        window = apart([(name, at)], [h])[0]
        if found := net_weights(axis, window, taken, 2 * h):
            kept.append((name, at / unit))
            weights.append(found)
    units = str(cube["spectra"].attrs.get("units", "")) or "counts"
    words = (
        "Net counts: the sum over a window of ± 2.2 standard deviations of the detector, less the background beside it."
    )
    return _sorted(kept, weights, units, words)


def _gas(cube: xr.Dataset, result: xr.Dataset, asked: Asked, auto: bool) -> _Plan:
    units = str(cube["channel"].attrs["units"])
    axis, unit = np.asarray(cube["channel"], float), ANGSTROM[units]
    medium = asked.medium or stated_medium(result) or "air"
    where = {name: at / unit for name, at in wavelengths(medium, float(asked.redshift or 0)).items()}
    chosen = _clearest(result, asked._replace(medium=medium)) if auto else gas_asked(asked.lines, where, axis)
    windows = apart(chosen, [at * SPEED / LIGHT_SPEED for _, at in chosen])
    taken = [(at * (1 - SPEED / LIGHT_SPEED), at * (1 + SPEED / LIGHT_SPEED)) for at in where.values()]
    found = [net_weights(axis, w, taken, w.position * BESIDE / LIGHT_SPEED, steps(axis)) for w in windows]
    kept = [(w.name, w.position) for w, one in zip(windows, found, strict=True) if one]
    density = str(cube["spectra"].attrs.get("units", ""))
    whole = density.removesuffix(f"/{units}") if density.endswith(f"/{units}") else f"{density or 'value'} × {units}"
    words = f"Flux within {SPEED:g} km/s of the line, less the continuum beside it, at redshift {asked.redshift:g}."
    return _sorted(kept, [one for one in found if one], whole, words)


def _sorted(lines: list[tuple[str, float]], weights: list[Weights], units: str, sentence: str) -> _Plan:
    order = sorted(range(len(lines)), key=lambda i: lines[i][1])
    return _Plan([lines[i] for i in order], [weights[i] for i in order], units, sentence)
