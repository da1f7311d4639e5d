"""What the peaks of a selected spectrum may be: elements or lines of gas, as candidates, by the rules for components."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from spaxel.results.interpretation import interpret
from spaxel.viewer.scene import Scene
from spaxel.viewer.spectra import RegionSpectrum

SHOWN = 12


def candidate_words(scene: Scene, result: xr.Dataset | None, found: RegionSpectrum) -> str:
    """Candidates with what speaks for each, the clearest first; or why nothing can be said."""
    told = interpret(as_result(scene, result, found))
    if not told.kind:
        return (
            "Candidates are known for X-ray energies, and for wavelengths where a redshift is given: not for this axis."
        )
    if not (own := told.candidates[0]):
        return f"No candidate stands out of this spectrum. {told.sentence}"
    lines = []
    for c in own[:SHOWN]:
        more = f", ×{c.times:.1f} of the mean" if result is not None and math.isfinite(c.times) else ""
        support = f", supported by {', '.join(c.support)}" if c.support else ", nothing else supports it"
        lines.append(
            f"{c.name} {c.line} at {c.position:.5g} {told.units}: {c.sigma:.0f} standard errors{more}{support}"
        )
    return "Candidates, none is proven:\n" + "\n".join(lines)


def as_result(scene: Scene, result: xr.Dataset | None, found: RegionSpectrum) -> xr.Dataset:
    """The spectrum as the first component of a result, before those of the run: these say what the mean of the cube is.

    One pixel has no spread: its noise is told from the differences of neighbouring channels, so that it is not taken for peaks.
    """
    rows, sizes, spreads = [found.mean], [found.n], [found.spread if found.n > 1 else _noise(found.mean)]
    if result is not None and "component_spread" in result:
        mean = np.nan_to_num(np.asarray(result["component_spectra"], float))
        spread = np.nan_to_num(np.asarray(result["component_spread"], float))
        rows, spreads = [*rows, *mean], [*spreads, *spread]
        counted = result["component_size"].values if "component_size" in result else np.ones(len(mean))
        sizes = [*sizes, *counted]
    attrs = {name: scene.data.attrs[name] for name in ("redshift", "wcs_header") if name in scene.data.attrs}
    units = _units(scene, result)
    return xr.Dataset(
        {
            "labels": (("y", "x"), np.zeros((1, 1), np.int32)),
            "component_spectra": (("component", "channel"), np.stack(rows), {"units": units} if units else {}),
            "component_spread": (("component", "channel"), np.stack(spreads)),
            "component_size": ("component", np.asarray(sizes)),
        },
        coords={"channel": scene.data["channel"]},
        attrs=attrs,
    )


def _noise(spectrum: np.ndarray) -> np.ndarray:
    """(channel,): the standard deviation of white noise in one spectrum, by the median absolute deviation of differences."""
    steps = np.diff(spectrum[np.isfinite(spectrum)])
    scatter = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2) if len(steps) else 0.0
    return np.full(len(spectrum), scatter)


def _units(scene: Scene, result: xr.Dataset | None) -> str:
    """Of the values: counts, where the result or the numbers say so."""
    if result is not None and (units := str(result["component_spectra"].attrs.get("units", ""))):
        return units
    spectra = scene.data.get("spectra", None)
    units = str(spectra.attrs.get("units", "")) if spectra is not None else ""
    whole = (
        spectra is not None and spectra.dtype.kind in "iu" and scene.data["channel"].attrs.get("units") in ("keV", "eV")
    )
    return "counts" if whole else units
