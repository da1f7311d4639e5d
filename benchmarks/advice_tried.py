"""Rules of advice that were tried and are not said, as they are not right often enough: benchmarks/results/advice.md."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import xarray as xr

from spaxel.results.advice import mapping
from spaxel.results.convention import sentences
from spaxel.results.said import GRADUAL, MIXTURE
from spaxel.results.walk import walk

BLIND = ("unit", "snv", "counts", "hellinger")  # scalings that set brightness aside
SHAPE, BRIGHTER = 0.03, 1.25  # radians between spectra of one shape, and the ratio of their norms
SPECKLED = 0.1  # share of pixels that differ from all four neighbours
CLOSE = 0.02  # of a silhouette: two scalings are as good, see preprocess.choice
OPEN = 2.0  # largest over smallest number that is likely
BETWEEN = 0.25  # share of spectra between two components from which they are mixtures, see advice_between.py
ENERGY = ("keV", "eV")  # units of an axis of X-ray counts

DULL = 0.4  # dullness from which labels are brightness and little else, see methods.centers.dull


def sign(result: xr.Dataset, name: str) -> float:
    """What the fit saw of itself, an attribute that advice.py adds; 0 where components were changed by hand since."""
    return 0.0 if sentences(result.attrs, "by_hand") else float(result.attrs.get(name) or 0.0)


def scaling_of(result: xr.Dataset) -> str:
    """The scaling of the fit; "" where nothing says it."""
    found = [re.search(r"\bScaling (\w+)[:,]", s) for s in sentences(result.attrs, "history")]
    return next((match[1] for match in found if match), "")


def _dull(result: xr.Dataset) -> str:
    """Labels that are brightness and little else, although shapes of spectra say something else."""
    if sign(result, "dullness") < DULL or scaling_of(result) == "unit_bright":
        return ""
    return (
        "Brightness decides these labels, and the shapes of the spectra say something else: try --scaling unit_bright."
    )


def _between_components(result: xr.Dataset) -> str:
    """Spectra that lie between components which are far apart."""
    share = sign(result, "between")
    if share < BETWEEN:
        return ""
    return f"{share:.0%} of the spectra lie between two components that are far apart: if they are mixtures, try spaxel unmix."


def _xray(result: xr.Dataset) -> str:
    """X-ray counts, for which distances have been learned."""
    units = result["channel"].attrs.get("units") if "channel" in result.coords else None
    if units not in ENERGY or not sign(result, "counts") or result.attrs.get("method") == "learned":
        return ""
    return "For X-ray counts distances have been learned from simulated paintings: try --method learned."


def _brightness(result: xr.Dataset) -> str:
    """Two components of one shape that differ in brightness, where the scaling does not set it aside."""
    scaling = scaling_of(result)
    if not scaling or scaling in BLIND or "component_spectra" not in result or result.sizes["channel"] < 3:
        return ""
    spectra = np.nan_to_num(result["component_spectra"].values.astype(float))
    norm = np.linalg.norm(spectra, axis=1)
    unit = spectra / np.maximum(norm, 1e-300)[:, None]
    for a in range(len(norm)):
        for b in range(a + 1, len(norm)):
            low, high = sorted((norm[a], norm[b]))
            if low > 0 and high > BRIGHTER * low and unit[a] @ unit[b] > np.cos(SHAPE):
                what = f"Components {a} and {b} have one shape and differ in brightness"
                return f"{what}: if that is light or depth, try --scaling unit."
    return ""


def _doubtful(result: xr.Dataset, why: str) -> list[int]:
    """The numbers of components, up to that of the result, whose split is doubtful for this reason."""
    if "evidence" not in result:
        return []
    found = mapping(result["evidence"].attrs.get("doubts")).get(why, [])
    return [int(k) for k in found if int(k) <= result.sizes["component"]]


def _mixtures(result: xr.Dataset) -> str:
    if not (splits := _doubtful(result, MIXTURE)):
        return ""
    at = ", ".join(map(str, splits))
    return f"The split into {at} parts mixed pixels from those that they are mixed of: try fewer components, or spaxel unmix."


def _gradual(result: xr.Dataset) -> str:
    if not (splits := _doubtful(result, GRADUAL)):
        return ""
    return f"The split into {', '.join(map(str, splits))} cuts a gradual change: try fewer components, or another --scaling."


def _photons(result: xr.Dataset) -> str:
    """Too few photons per pixel to divide an image."""
    if result.sizes.get("component", 0) > 1 or min(result["labels"].shape) == 1:
        return ""
    found = [re.search(r": ([\d,]+) photons per pixel are too few", s) for s in sentences(result.attrs, "history")]
    few = next((match[1] for match in found if match), "")
    return (
        f"{few} photons per pixel are few to tell parts by: look at 2 or 3 of them (spaxel cut, or the slider)."
        if few
        else ""
    )


def _speckled(result: xr.Dataset) -> str:
    """Pixels that differ from all four neighbours: noise, which surroundings would help against."""
    if min(result["labels"].shape) < 3:
        return ""
    alone = good = 0
    for piece in walk(result["labels"], halo=1, scratch=4):
        found = _alone(piece.values[0])
        alone, good = alone + found[0], good + found[1]
    share = alone / max(good, 1)
    if share <= SPECKLED:
        return ""
    return (
        f"{share:.0%} of the pixels differ from all their neighbours, which noise does: try --method dsc --context 3."
    )


def _alone(labels: np.ndarray) -> tuple[int, int]:
    """Pixels that differ from all four neighbours, and all pixels with data, of those that have four."""
    inner = labels[1:-1, 1:-1]
    good = inner >= 0
    alone = good.copy()
    for other in (labels[:-2, 1:-1], labels[2:, 1:-1], labels[1:-1, :-2], labels[1:-1, 2:]):
        alone &= inner != other
    return int(alone.sum()), int(good.sum())


def _scalings(result: xr.Dataset) -> str:
    """Two scalings between which the silhouette does not decide, and which are not both heard anyway."""
    if result.attrs.get("method") in ("consensus", "learned"):
        return ""
    if "scaling_score" not in result or "scaling" not in result.coords or result.sizes["scaling"] < 2:
        return ""
    order = np.argsort(-result["scaling_score"].values)
    scores, names = result["scaling_score"].values[order], result["scaling"].values[order]
    if not scores[0] - scores[1] < CLOSE:
        return ""
    both = f"{scores[0]:.2f} and {scores[1]:.2f}"
    return f"Scalings {names[0]} and {names[1]} are as good (silhouette {both}): try --scaling {names[1]}."


def _open(result: xr.Dataset) -> str:
    between = list(np.ravel(result["evidence"].attrs.get("between", []))) if "evidence" in result else []
    if len(between) != 2 or between[1] < OPEN * between[0]:
        return ""
    return f"The number is open, {int(between[0])} to {int(between[1])}: try another (spaxel cut, or the slider of the report)."


TRIED: dict[str, Callable[[xr.Dataset], str]] = {
    "brightness": _dull,
    "shapes": _brightness,
    "mixtures": _between_components,
    "splits": _mixtures,
    "photons": _photons,
    "speckles": _speckled,
    "scalings": _scalings,
    "gradual": _gradual,
    "number": _open,
    "X-rays": _xray,
}
