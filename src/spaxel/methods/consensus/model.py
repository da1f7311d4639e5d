"""A fitted consensus in plain arrays: what its members say of a block of spectra, as scores in which the components lie."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.methods.centers.projection import Folded, Projected, in_blocks, project_blocks
from spaxel.methods.consensus.spots import Spots
from spaxel.methods.state import pack, unpack
from spaxel.preprocess.scaling import Rows

CONTEXT = 3  # side of the window whose mean, without the pixel itself, is the neighbours'


class View(NamedTuple):
    """The members of one scaling, for scores z of a pixel and `around` of its neighbours' mean.

    own, beside : (d, q), bias (q,): z @ own + around @ beside + bias, the columns of all members beside each other
    starts      : (m + 1,) where the columns of each member begin; the largest one is its label
    table       : (q, e) what a label adds to the place of a pixel in the consensus
    """

    own: np.ndarray
    beside: np.ndarray
    bias: np.ndarray
    starts: np.ndarray
    table: np.ndarray


class Joint(NamedTuple):
    """What all views make up: place = sum of tables - offset, then the scores of the first view, in its near-by metric.

    offset : (e,)      own, beside : (d, d'), shift (d',)
    """

    offset: np.ndarray
    own: np.ndarray
    beside: np.ndarray
    shift: np.ndarray


class Model(NamedTuple):
    """For spaxel.methods.centers.maps. names : of the scalings, the chosen one first      context : 0 or 3.

    spots : small components that the members do not see; None: there are none
    """

    names: tuple[str, ...]
    folded: tuple[Folded, ...]
    views: tuple[View, ...]
    joint: Joint
    context: int
    spots: Spots | None = None

    @property
    def channels(self) -> int:
        """Length of a spectrum."""
        return len(self.folded[0].center)

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """The first scaling of spectra one by one."""
        return self.names[0], self.folded[0].center

    def scores(self, block: np.ndarray, own: Rows | None = None) -> np.ndarray:
        """Scores (n, e + d' + s) of spectra (n, channel), or (n, 2 channel) with the mean of the neighbours.

        own : the spectra alone, if something was asked of them already
        """
        rows, beside = own or Rows(block[:, : self.channels]), Rows(block[:, self.channels :])
        place = np.zeros((len(block), len(self.joint.offset))) - self.joint.offset
        first: np.ndarray | None = None
        for name, folded, view in zip(self.names, self.folded, self.views, strict=True):
            project = Projected(name, folded)
            z = project.scores(block, rows)
            around = project.scores(block, beside) if self.context else z
            place += _said(z, around, view)
            if first is None:
                first = z @ self.joint.own + around @ self.joint.beside - self.joint.shift
        found = place if first is None else np.concatenate([place, first], axis=1)
        return found if self.spots is None else np.concatenate([found, self.spots.places(block)], axis=1)

    def reading(self) -> dict[str, Any]:
        """The mean of the neighbours is read beside each spectrum, but of tables."""
        return {"context": self.context} if self.context else {}


def _said(z: np.ndarray, around: np.ndarray, view: View) -> np.ndarray:
    """Where the labels of the members put pixels, (n, e)."""
    odds, place = z @ view.own + around @ view.beside + view.bias, 0.0
    for start, end in pairwise(view.starts):
        place = place + view.table[start + odds[:, start:end].argmax(1)]
    return np.asarray(place)


def scores_of(model: Model, spectra: np.ndarray) -> np.ndarray:
    """Scores of many spectra, (n, channel) or (n, 2 channel), in blocks of the size that mapping uses."""
    return in_blocks(model.scores, spectra)


def model_arrays(model: Model) -> Arrays:
    """What `state_` keeps of a model."""
    found = pack("joint.", model.joint) | (pack("spots.", model.spots) if model.spots is not None else {})
    for i, (folded, view) in enumerate(zip(model.folded, model.views, strict=True)):
        found |= pack(f"view{i}.", folded) | pack(f"view{i}.", view)
    return found


def model_from(state: Arrays, names: list[str], context: int) -> Model:
    """The model that these arrays are of."""
    folded = tuple(unpack(Folded, state, f"view{i}.") for i in range(len(names)))
    views = tuple(unpack(View, state, f"view{i}.") for i in range(len(names)))
    spots = unpack(Spots, state, "spots.") if "spots.table" in state else None
    return Model(tuple(names), folded, views, unpack(Joint, state, "joint."), context, spots)


def projected(name: str, folded: Folded, spectra: np.ndarray) -> np.ndarray:
    """Scores (n, d) of many spectra (n, channel) by one scaling."""
    return project_blocks(spectra, Projected(name, folded))
