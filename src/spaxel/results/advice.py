"""One line on what to try when something else is probably better: rules, each measured on fresh worlds.

How often each is right, and how often it is raised in vain: benchmarks/results/advice.md. A rule that is raised in fewer
than 80 % of the worlds in which it would help, or in more than 10 % of the others, is not here. At most one line is said.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from spaxel.results.convention import is_probability, sentences
from spaxel.results.numbers import any_label, mean_of, quantiles

LEFT = 0.05  # of the norm of a spectrum that components leave, in the median
DOUBTFUL = 0.75  # mean probability of being right below which that is said
UNTRIED = ("kmeans", "dsc", "dgc")  # methods of which a low mean confidence said less than it should
MIXED = 0.35  # mean margin below which most pixels lie between components, of models that know no probability


def try_next(result: xr.Dataset, run: str = "RUN") -> str:
    """What to try when the answer looks wrong, in one sentence: the most pressing of what was measured, or "".

    run : where the result lies, for commands that name it
    """
    if not any_label(result["labels"]):
        return ""
    rules = UNMIXED if "abundances" in result else RULES
    found = next(filter(None, (look(result) for look in rules.values())), "")
    file = str(result.attrs.get("source") or "FILE")
    return (
        found.replace("FILE", shlex.quote(file)).replace("RUN", shlex.quote(run))
        if "spaxel compare" in found
        else found
    )


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


def scaling_of(result: xr.Dataset) -> str:
    """The scaling of the fit; "" where nothing says it."""
    found = [re.search(r"\bScaling (\w+)[:,]", s) for s in sentences(result.attrs, "history")]
    return next((match[1] for match in found if match), "")


def _doubt(result: xr.Dataset) -> str:
    """Many pixels that may be wrong; of methods for which that was right often enough."""
    if "confidence" not in result or result.sizes.get("component", 0) < 2 or result.attrs.get("method") in UNTRIED:
        return ""
    mean = mean_of(result["confidence"])
    if is_probability(result):
        said = f"Many pixels may have the wrong component (mean confidence {mean:.2f})"
        look = "spaxel segment FILE -o RUN-kmeans --method kmeans, then spaxel compare RUN RUN-kmeans"
        return f"{said}: look at another map beside it, {look}." if mean < DOUBTFUL else ""
    if not mean < MIXED:
        return ""
    return f"Most pixels lie between components (mean confidence {mean:.2f}): if they are mixtures, try spaxel unmix."


RULES: dict[str, Callable[[xr.Dataset], str]] = {
    "no data": _lost,
    "background": _background,
    "doubt": _doubt,
}
UNMIXED: dict[str, Callable[[xr.Dataset], str]] = {"no data": _lost, "background": _background, "residual": _left}
