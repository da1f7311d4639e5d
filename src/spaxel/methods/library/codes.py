"""What a fitted library says of new spectra: presence, abundances, their errors, and what these explain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube.completion import Completion, complete
from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import Recipe, pictures
from spaxel.linear.supports.energies import make_pool
from spaxel.linear.supports.presence import Groups, presence_of
from spaxel.methods.library.candidates import View
from spaxel.methods.library.trust import HALF, Trust, trusted
from spaxel.methods.state import unpack

LARGEST = float(np.finfo(np.float32).max)  # number that is kept


class Codes(NamedTuple):
    """Each (n, k) of the components: presence 0 to 1, abundance (0 where presence is below a half), standard error.

    explained : (n, channel)      elsewhere : (n,) whether an entry that is no component is more likely present than not
    """

    presence: np.ndarray
    abundances: np.ndarray
    error: np.ndarray
    explained: np.ndarray
    elsewhere: np.ndarray


class Coder:
    """A function of spectra (n, channel) that can be pickled; each row from its own spectrum alone.   state : of the model"""

    def __init__(self, state: Arrays, most: int) -> None:
        self.library, self.kept = state["library"], state["kept"]
        self.view, self.trust = unpack(View, state, "view_"), unpack(Trust, state, "trust_")
        self.pool = make_pool(self.view.of(self.library), most)
        self.groups = Groups(state["group_of"], int(state["group_of"].max()) + 1, state["unit"])

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Abundances (n, k), and what they explain (n, channel)."""
        codes = self.codes(x)
        return codes.abundances, codes.explained

    def codes(self, x: np.ndarray) -> Codes:
        """All that is said of spectra x (n, channel). Equal ones, as those that fill a block, are looked at once."""
        distinct, back = np.unique(x, axis=0, return_inverse=True)
        rows = [self._one(row) for row in distinct]
        parts = [np.array(part)[back.ravel()] for part in zip(*rows, strict=True)]
        presence, abundances, error, explained, elsewhere = parts
        return Codes(presence, abundances, error, explained, elsewhere)

    def all_groups(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of one spectrum (channel,): presence, abundance and standard error of every group of the library, each (group,)."""
        said, amount, error, _ = self._whole(x)
        return said, amount, error

    def _one(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
        said, amount, error, explained = self._whole(x)
        elsewhere = bool((np.delete(said, self.kept) >= HALF).any())
        return said[self.kept], amount[self.kept], error[self.kept], explained, elsewhere

    def _whole(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        seen = presence_of(self.pool, self.view.of(x[None])[0], self.groups)
        said = trusted(self.trust, seen.probability, seen.settled)
        here = said >= HALF
        amount = np.where(here, np.maximum(seen.amount, 0), 0)
        error = np.where(here, seen.error, seen.alone) * self.trust.widen.item()
        explained = (seen.mean * self.groups.unit) @ self.library
        if len(self.view.smooth):
            rest = (x - explained) * self.view.weight
            explained = explained + (rest @ self.view.smooth.T) @ self.view.smooth / self.view.weight
        return said, amount, error, explained


def block(coder: Coder, recipe: Recipe, model: Completion | None, spectra: np.ndarray, n: int) -> tuple[Arrays, Arrays]:
    """Maps of a block of spectra, NaN = missing; the residual is of what is not. The first n rows count."""
    x = spectra.astype(np.float64)
    seen = np.isfinite(x)
    whole = x if model is None else complete(x, model)
    codes = coder.codes(whole)
    left = np.where(seen, x - codes.explained, 0.0) if model is not None else x - codes.explained
    size = np.linalg.norm(np.where(seen, x, 0.0), axis=1)
    maps = {"abundances": codes.abundances, "presence": codes.presence, "abundance_error": codes.error}
    pixels = {name: np.clip(values, -LARGEST, LARGEST).astype(np.float32) for name, values in maps.items()}
    pixels["residual"] = (np.linalg.norm(left, axis=1) / np.maximum(size, 1e-300)).astype(np.float32)
    shown = np.where(seen, x, whole).astype(spectra.dtype)
    return pixels | pictures(shown, recipe), {"elsewhere": np.array([float(codes.elsewhere[:n].sum())])}
