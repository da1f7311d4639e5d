"""The door at which missing values are completed: methods see whole spectra, and none of them needs code for gaps.

`fit` learns from its sample how missing values follow from the others (spaxel.cube.completion) and keeps that in `state_`; the
cubes that it goes on with, and those of `predict`, say so themselves and are completed where they are read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.cube.completion import Completion, fit_completion
from spaxel.cube.gaps import Gaps, completed_sentence, lost_sentence, with_completion
from spaxel.cube.mapping import Arrays
from spaxel.cube.sampling import Sample
from spaxel.cube.whole import completed_sample
from spaxel.errors import LostWarning
from spaxel.methods.contract import HUGE, TINY, Cubes, check_range, prepare
from spaxel.methods.state import pack, unpack

PREFIX = "completion_"


class Whole(NamedTuple):
    """cubes : that are completed where they are read      sample : of them      model : how, as it is kept in `state_`."""

    cubes: Cubes
    sample: Sample
    model: Completion

    @property
    def arrays(self) -> Arrays:
        """For `state_`."""
        return pack(PREFIX, self.model)


def whole_sample(
    cubes: Cubes, read: Callable[[Cubes, Gaps], Sample], channels: int, limits: tuple[float, float] = (TINY, HUGE)
) -> Whole:
    """A sample without missing values, learned from itself.

    read : (cubes, what becomes of missing values) -> a sample. It is read again only where values are missing and spectra
           are followed by the mean of their neighbours, which is one of completed spectra.
    limits : between which the largest value lies      Raises CubeError if it does not.
    """
    first = read(cubes, "keep")
    own = first.spectra[:, :channels]
    check_range(own[np.isfinite(own)], *limits)
    model = fit_completion(own)
    cubes = [with_completion(cube, model) for cube in cubes]
    if _finite(first.spectra) and _finite(first.pairs):
        return Whole(cubes, first, model)
    if first.spectra.shape[1] > channels:
        return Whole(cubes, read(cubes, "complete"), model)
    return Whole(cubes, completed_sample(first, model), model)


def kept_completion(state: Arrays) -> Completion | None:
    """How a fitted model completes missing values; None for one that was saved before it did, or that leaves them out."""
    return unpack(Completion, state, PREFIX) if f"{PREFIX}mean" in state else None


def ready(cube: xr.Dataset, info: Mapping[str, Any], state: Arrays) -> xr.Dataset:
    """A new cube as a fitted model wants it: steps repeated, on its axis, missing values completed where it is read."""
    return with_completion(prepare(cube, info, state["channel"]), kept_completion(state))


def with_gaps_said(cube: xr.Dataset, sums: Arrays) -> xr.Dataset:
    """The cube with what became of its gaps in `history`; many pixels without data are said aloud too (LostWarning).

    sums : of map_tiles
    """
    if sentence := completed_sentence(sums["why"]):
        cube = note(cube, sentence)
    if sentence := lost_sentence(sums["why"]):
        cube = note(cube, sentence)
        source = str(cube.attrs.get("source") or "")
        warnings.warn(f"{source}: {sentence}" if source else sentence, LostWarning, stacklevel=2)
    return cube


def _finite(values: np.ndarray) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())
