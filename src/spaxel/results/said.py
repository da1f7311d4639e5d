"""What a result says of itself to a person who is in a hurry: one plain sentence, and one line on what to try.

The page and the command line say the same words. Everything here was measured in this run; what was not is not said.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from spaxel.results.advice import mapping, residual_of, try_next
from spaxel.results.convention import sentences
from spaxel.results.numbers import any_label

__all__ = ["GRADUAL", "MIXTURE", "plain_sentence", "try_next"]
GRADUAL = "no border, the change is gradual"  # reasons for which a split is doubtful, see methods.centers.number
MIXTURE = "no more than a mixture of others"
MISTAKEN = 0.1  # share of spectra of a component that fall into another when measured again: they differ little


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


def _unmixed(result: xr.Dataset, n: int) -> str:
    noun = "spectrum" if min(result["labels"].shape) == 1 else "pixel"
    first = f"{n} component{'s' * (n > 1)}, that is, pure spectra of which every {noun} is mixed."
    residual = residual_of(result)
    return first if residual is None else f"{first} They leave {residual:.1%} of a spectrum, in the median."


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
    named = sorted(int(v) for v in mapping(attrs.get("votes")).values() if v is not None)
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
