"""What was learned of the field of some cubes, where their channels lie in it, and how near their spectra come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.methods.centers.base import Task
from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.fields import Field
from spaxel.methods.learned.model import Learned, learned_of
from spaxel.methods.learned.nearness import Nearness, nearness
from spaxel.methods.learned.redshift import REACH, redshift_of
from spaxel.methods.learned.sights import Light

POSSIBLE = (-0.01, 20.0)  # redshifts, as for lines of gas
ALIKE = 0.001  # by which redshifts of several cubes may differ
APART = "The cubes have redshifts that differ by"


class Known(NamedTuple):
    """learned : with a trust of 1      edges : (channel + 1,) on the grid      near : to what was simulated

    redshift : at which the grid is laid, None of counts      redshift_sentence : where it is from, "" if it was told
    """

    field: Field
    learned: Learned
    edges: np.ndarray
    near: Nearness
    redshift: float | None
    redshift_sentence: str


def may_be(field: Field, task: Task) -> bool:
    """Whether cubes may be of a field, as far as their axis and the kind of their values say."""
    if field.counts:
        return task.look.counts and field.grid_of(task.axis, task.units) is not None
    told = [z for z in _told(task) if z is not None]
    return any(field.grid_of(task.axis, task.units, z) is not None for z in told or np.linspace(*REACH, 26))


def known_of(field: Field, encoder: Encoder, task: Task, seed: int) -> Known | str | None:
    """What was learned of a field, for some cubes; None where they are not of it, a sentence where no redshift is known."""
    if not may_be(field, task):
        return None
    z, sentence = (None, "") if field.counts else _redshift(field, encoder, task)
    if z is None and sentence:
        return sentence
    edges = field.grid_of(task.axis, task.units, z or 0.0)
    if edges is None:
        return None
    learned = _referred(learned_of(encoder, edges, field.edges, 1.0, None if field.counts else 1.0), task)
    binned = learned.binned(task.own.spectra.astype(np.float64))
    near = nearness(binned, learned.sight, learned.encoder, seed)
    return Known(field, learned, edges, near, z, sentence)


def _redshift(field: Field, encoder: Encoder, task: Task) -> tuple[float | None, str]:
    """The redshift, and what there is to say of it."""
    told = [z for z in _told(task) if z is not None]
    if told:
        apart = max(told) - min(told)
        return (told[0], "") if apart <= ALIKE else (None, f"{APART} {apart:.3g}.")
    z = redshift_of(task.own.spectra.astype(np.float64), task.axis, task.units, field, encoder.double())
    if z is None:
        return (
            None,
            "No redshift is given, and at none are the lines of these spectra like those of simulated galaxies.",
        )
    return z, f"Redshift {z:.4f} was found in the spectra; option redshift decides."


def _told(task: Task) -> list[float | None]:
    return [told_redshift(cube) for cube in task.cubes]


def told_redshift(cube: xr.Dataset) -> float | None:
    """The redshift that a cube says; None where it says none. Raises ParameterError where it can be none."""
    told = cube.attrs.get("redshift")
    try:
        z = float("nan" if told is None else told)
    except (TypeError, ValueError):
        z = np.inf
    if np.isnan(z):
        return None
    if not POSSIBLE[0] < z < POSSIBLE[1]:
        raise ParameterError(
            f"The redshift of this cube is {told!r}; a number from {POSSIBLE[0]:g} to {POSSIBLE[1]:g} can be one. "
            "Try --redshift, or leave it out: it is then looked for in the spectra."
        )
    return z


def _referred(learned: Learned, task: Task) -> Learned:
    """With the brightness of these cubes that counts as 1, where it is light."""
    if not isinstance(learned.sight, Light):
        return learned
    channels, spectra = len(task.axis), task.sample.spectra.astype(np.float64)
    own = learned.binned(spectra[:, :channels])
    around = learned.binned(spectra[:, channels:]) if spectra.shape[1] > channels else own
    return learned._replace(sight=learned.sight.referred(own, around))
