"""How far the components of a table are from unique: what `state_` and `info_` of a model hold of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.errors import CubeError
from spaxel.linear.constrained.feasible import MOST, feasible_bands, too_many
from spaxel.methods.mcr.codes import encode_constrained

AMBIGUOUS = 0.1  # of the signal, by which a component can grow or shrink, from which on this is said
NOT_COMPUTED = "Bands of feasible solutions are not computed"


class Bands(NamedTuple):
    """arrays : for `state_`, none where bands are not computed
    ambiguity : of each component, part of the whole signal, 0 = unique
    relative : the same as part of the component itself, by which its abundances can be larger or smaller
    sentence : what this means, or why they are not computed      warning : where they are wide
    """

    arrays: Arrays
    ambiguity: list[float] | None
    relative: list[float] | None
    sentence: str
    warning: str


def bands_of(
    spectra: np.ndarray,
    components: np.ndarray,
    noise: float,
    pedestal: float = 0.0,
    *,
    closure: bool = False,
    known: int = 0,
) -> Bands:
    """Bands of feasible solutions around the components of a table.

    spectra : (n, channel), NaN = missing, on a `pedestal`      components : (k, channel), the first `known` cannot change
    noise   : standard deviation of a value      closure : abundances sum to 1
    """
    if (components < 0).any():
        return _none(f"{NOT_COMPUTED} for signed components.")
    if len(components) > MOST:  # before any abundance is solved for: that is the long part
        return _none(too_many(len(components)))
    try:
        amounts, _ = encode_constrained(components, pedestal, spectra, closure=closure)
    except CubeError:
        return _none(f"{NOT_COMPUTED}: a component is a mixture of the others.")
    amounts = amounts[np.isfinite(amounts).all(1)]
    if not len(amounts):
        return _none(f"{NOT_COMPUTED}: no spectrum tells the components apart.")
    bands = feasible_bands(amounts, components, noise=noise, closure=closure, known=known)
    if np.isnan(bands.ambiguity).any():
        return _none(bands.sentence)
    worst = float(bands.ambiguity.max())
    warning = (
        f"The components are not unique: one can take {worst:.0%} more or less of the signal, and the fit is as good "
        "(rotational ambiguity; the report draws the bands). Try closure, known spectra or min_volume, or purer samples."
    )
    arrays = {"bands_lower": bands.lower, "bands_upper": bands.upper, "bands_spectra": bands.spectra}
    own = np.linalg.norm(amounts, axis=0) * np.linalg.norm(components, axis=1) / np.linalg.norm(amounts @ components)
    relative = (bands.ambiguity / np.maximum(own, 1e-300)).tolist()
    return Bands(arrays, bands.ambiguity.tolist(), relative, bands.sentence, warning if worst > AMBIGUOUS else "")


def _none(why: str) -> Bands:
    return Bands({}, None, None, why, "")
