"""One line on what to try when the answer may be wrong. At most one is said.

How often `doubt` is raised where the map is wrong, and how often in vain: benchmarks/results/advice.md, with the rules that
were tried and are not here. `background` was judged in benchmarks/results/corrections.md; those for unmixing were not.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import xarray as xr

from spaxel.lines.gas import ANGSTROM
from spaxel.results.convention import found_whole, is_probability, sentences
from spaxel.results.numbers import any_label, mean_of, quantiles

LEFT = 0.05  # of the norm of a spectrum that components leave, in the median
DOUBTFUL = 0.7  # mean probability of being right below which that is said
UNTRIED = ("kmeans", "learned", "dsc", "dgc")  # whose low mean confidence says too little
FINE, REST = 8.0, (6520.0, 6610.0)  # Å: widest channels and least range of galaxies that `--method learned` knows
MIXED = 0.35  # mean margin below which most pixels lie between components, of models that know no probability


def try_next(result: xr.Dataset, run: str = "RUN") -> str:
    """What to try when the answer looks wrong, in one sentence: the most pressing of what was measured, or "".

    run : where the result lies, for commands that name it
    """
    if not any_label(result["labels"]):
        return ""
    rules = UNMIXED if "abundances" in result else RULES
    found = next(filter(None, (look(result) for look in rules.values())), "")
    if "spaxel compare" not in found:
        return found
    source = str(result.attrs.get("source") or "")
    names = {"FILE": source if PurePath(source).suffix else "FILE", "RUN": run}  # of a cube in memory no file is known
    return re.sub(r"\b(FILE|RUN)\b", lambda match: shlex.quote(names[match[1]]), found)


def residual_of(result: xr.Dataset) -> float | None:
    """What the components leave of a spectrum, in the median; None where nothing says it."""
    if "residual" not in result:
        return None
    middle = float(quantiles(result["residual"], [0.5])[0])
    return None if np.isnan(middle) else middle


def mapping(value: Any) -> Mapping[str, Any]:
    """What an attribute holds: JSON text, or a mapping, or nothing."""
    return json.loads(value) if isinstance(value, str) else dict(value or {})


def _lost(result: xr.Dataset) -> str:
    return next((s for s in sentences(result.attrs, "history") if " are no data: " in s), "")


def _background(result: xr.Dataset) -> str:
    return next((s for s in sentences(result.attrs, "history") if s.startswith("A smooth background holds")), "")


def _left(result: xr.Dataset) -> str:
    residual = residual_of(result)
    if residual is None or residual <= LEFT:
        return ""
    if "presence" in result:
        return f"The library leaves {residual:.0%} of a spectrum: it may lack something; see where it is left."
    n = result.sizes["component"]
    return f"The components leave {residual:.0%} of a spectrum: try --n-components {n + 1}, and see where it is left."


def _doubt(result: xr.Dataset) -> str:
    """Many pixels that may be wrong; of methods for which that was right often enough."""
    if "confidence" not in result or result.sizes.get("component", 0) < 2 or result.attrs.get("method") in UNTRIED:
        return ""
    if found_whole(result) is not None:
        return ""  # it was divided by hand: another map would not divide it either
    mean = mean_of(result["confidence"])
    if is_probability(result):
        said = f"Many pixels may have the wrong component (mean confidence {mean:.2f})"
        other = "learned" if _may_be_galaxy(result) else "kmeans"
        look = f"spaxel segment FILE -o RUN-{other} --method {other}, then spaxel compare RUN RUN-{other}"
        return f"{said}: look at another map beside it, {look}." if mean < DOUBTFUL else ""
    if not mean < MIXED:
        return ""
    return f"Most pixels lie between components (mean confidence {mean:.2f}): if they are mixtures, try spaxel unmix."


def _may_be_galaxy(result: xr.Dataset) -> bool:
    """Whether the axis is one on which distances for galaxies were learned: fine channels about Hα, redshifts up to 0.25."""
    axis, units = np.asarray(result["channel"], np.float64), str(result["channel"].attrs.get("units") or "")
    if units not in ANGSTROM or len(axis) < 2:
        return False
    x = axis * ANGSTROM[units]
    return bool(np.median(np.abs(np.diff(x))) <= FINE and x.min() <= 1.25 * REST[0] and x.max() >= REST[1])


RULES: dict[str, Callable[[xr.Dataset], str]] = {
    "no data": _lost,
    "background": _background,
    "doubt": _doubt,
}
UNMIXED: dict[str, Callable[[xr.Dataset], str]] = {"no data": _lost, "background": _background, "residual": _left}
