"""What a result says of itself to a person who is in a hurry: one plain sentence, and one line on what to try.

The page and the command line say the same words. Everything here was measured in this run; what was not is not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.results.convention import is_probability, sentences
from spaxel.results.numbers import any_label, mean_of, quantiles
from spaxel.results.walk import walk

GRADUAL = "no border, the change is gradual"  # reasons for which a split is doubtful, see methods.centers.number
MIXTURE = "no more than a mixture of others"
BLIND = ("unit", "snv", "counts", "hellinger")  # scalings that set brightness aside
MISTAKEN = 0.1  # share of spectra of a component that fall into another when measured again: they differ little
SHAPE, BRIGHTER = 0.03, 1.25  # radians between spectra of one shape, and the ratio of their norms
SPECKLED = 0.1  # share of pixels that differ from all four neighbours
CLOSE = 0.02  # of a silhouette: two scalings are as good, see preprocess.choice
OPEN = 2.0  # largest over smallest number that is likely
LEFT = 0.05  # of the norm of a spectrum that components leave, in the median
DOUBTFUL = 0.6  # mean probability of being right below which that is said
MIXED = 0.35  # mean confidence below which most pixels lie between components


def plain_sentence(result: xr.Dataset, component: np.ndarray | None = None) -> str:
    """How many components, and how sure that is, for a person who reads nothing else; "" without any component.

    component : (m,) of each micro-cluster, where another level than that of the result is meant
    """
    n = int(component.max()) + 1 if component is not None else result.sizes.get("component", 0)
    if not n or not any_label(result["labels"]):
        return ""
    if "abundances" in result:
        return _unmixed(result, n)
    if n == 1:
        return "Nothing to divide: all spectra are alike, as far as this method can tell."
    what = "groups of alike spectra" if result["labels"].shape[1] == 1 else "groups of pixels with alike spectra"
    asked = component is None and str(result.attrs.get("sentence", "")).startswith(f"{n} components, as asked")
    parts = [f"{n} components, as asked. They are {what}." if asked else f"{n} components, that is, {what}."]
    if pairs := _alike(result, component):
        parts.append(_differ_little(pairs, n))
    own = component is None and not sentences(result.attrs, "by_hand")
    return " ".join([*parts, *(filter(None, [_checks(result)] if own else []))])


def try_next(result: xr.Dataset) -> str:
    """What to try when the answer looks wrong, in one sentence: the most pressing of what was measured, or ""."""
    if not any_label(result["labels"]):
        return ""
    looks = (_lost, _background, _left) if "abundances" in result else (
        _lost, _background, _brightness, _mixtures, _photons, _speckled, _scalings, _between, _gradual, _open,
    )  # fmt: skip
    return next(filter(None, (look(result) for look in looks)), "")


def _unmixed(result: xr.Dataset, n: int) -> str:
    noun = "spectrum" if min(result["labels"].shape) == 1 else "pixel"
    first = f"{n} component{'s' * (n > 1)}, that is, pure spectra of which every {noun} is mixed."
    residual = _residual(result)
    return first if residual is None else f"{first} They leave {residual:.1%} of a spectrum, in the median."


def _residual(result: xr.Dataset) -> float | None:
    if "residual" not in result:
        return None
    middle = float(quantiles(result["residual"], [0.5])[0])
    return None if np.isnan(middle) else middle


def _alike(result: xr.Dataset, component: np.ndarray | None = None) -> list[tuple[int, int]]:
    """Pairs of components of which one in ten spectra, measured again, falls into the other; the most alike first."""
    if "micro_mistaken" not in result or "micro_component" not in result:
        return []
    component = result["micro_component"].values if component is None else component
    member = (component == np.arange(component.max() + 1)[:, None]).astype(float)
    mistaken = member @ result["micro_mistaken"].values.astype(float) @ member.T
    rate = mistaken / np.maximum(mistaken.sum(1, keepdims=True), 1)
    rate = np.maximum(rate, rate.T)
    found = [(rate[a, b], a, b) for a in range(len(rate)) for b in range(a + 1, len(rate)) if rate[a, b] > MISTAKEN]
    return [(a, b) for _, a, b in sorted(found, reverse=True)]


def _differ_little(pairs: Sequence[tuple[int, int]], n: int) -> str:
    touched = sorted({k for pair in pairs for k in pair})
    if len(pairs) == 1:
        return f"Two of them, {touched[0]} and {touched[1]}, differ little."
    if len(touched) == n and n > 3:
        return "They differ little from one another."
    return f"{len(touched)} of them ({', '.join(map(str, touched))}) differ little."


def _checks(result: xr.Dataset) -> str:
    """What most checks name, and between which two the number lies."""
    if "evidence" not in result:
        return ""
    attrs, said = result["evidence"].attrs, ""
    named = sorted(int(v) for v in _mapping(attrs.get("votes")).values() if v is not None)
    if len(named) > 1:
        most = len(named) // 2 + 1
        low, high = min(
            ((named[i], named[i + most - 1]) for i in range(len(named) - most + 1)), key=lambda p: p[1] - p[0]
        )
        held = sum(low <= v <= high for v in named)
        said = f"{'All' if held == len(named) else f'{held} of {len(named)}'} checks name {_range(low, high)}"
    between = [int(v) for v in np.ravel(attrs.get("between", []))]
    if len(between) == 2:
        likely = f"it is {_range(*between)} with 80 % probability"
        said = f"{said}; {likely}" if said else likely
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return json.loads(value) if isinstance(value, str) else dict(value or {})


def _lost(result: xr.Dataset) -> str:
    return next((s for s in sentences(result.attrs, "history") if " are no data: " in s), "")


def _background(result: xr.Dataset) -> str:
    return next((s for s in sentences(result.attrs, "history") if s.startswith("A smooth background holds")), "")


def _left(result: xr.Dataset) -> str:
    residual = _residual(result)
    if residual is None or residual <= LEFT:
        return ""
    if "presence" in result:
        return f"The library leaves {residual:.0%} of a spectrum: it may lack something; see where it is left."
    n = result.sizes["component"]
    return f"The components leave {residual:.0%} of a spectrum: try --n-components {n + 1}, and see where it is left."


def _scaling(result: xr.Dataset) -> str:
    """The scaling of the fit; "" where nothing says it."""
    found = [re.search(r"\bScaling (\w+)[:,]", s) for s in sentences(result.attrs, "history")]
    return next((match[1] for match in found if match), "")


def _brightness(result: xr.Dataset) -> str:
    """Two components of one shape that differ in brightness, where the scaling does not set it aside."""
    scaling = _scaling(result)
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
    found = _mapping(result["evidence"].attrs.get("doubts")).get(why, [])
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


def _between(result: xr.Dataset) -> str:
    if "confidence" not in result or result.sizes.get("component", 0) < 2:
        return ""
    mean = mean_of(result["confidence"])
    if is_probability(result):
        said = f"Many pixels may have the wrong component (mean confidence {mean:.2f})"
        return f"{said}: compare the maps of another method or --scaling." if mean < DOUBTFUL else ""
    if not mean < MIXED:
        return ""
    return f"Most pixels lie between components (mean confidence {mean:.2f}): if they are mixtures, try spaxel unmix."


def _open(result: xr.Dataset) -> str:
    between = list(np.ravel(result["evidence"].attrs.get("between", []))) if "evidence" in result else []
    if len(between) != 2 or between[1] < OPEN * between[0]:
        return ""
    return f"The number is open, {int(between[0])} to {int(between[1])}: try another (spaxel cut, or the slider of the report)."
