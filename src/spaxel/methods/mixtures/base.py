"""What all methods of unmixing share: the sample they learn from, the maps of abundances, and how they are kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from spaxel.cube.completion import Completion, complete
from spaxel.cube.gaps import Gaps
from spaxel.cube.mapping import Arrays, map_tiles
from spaxel.cube.picture import Recipe, blank_pictures, picture_recipe, pictures
from spaxel.cube.sampling import Sample, ordered_cubes, sample_cubes
from spaxel.cube.whole import whole_numbers
from spaxel.linear.constrained.missing import holes_filled
from spaxel.methods.completing import kept_completion, whole_sample
from spaxel.methods.contract import (
    SINGLE,
    Cubes,
    as_cubes,
    check_parameters,
    check_range,
    checked,
    prepare,
    prepare_all,
)
from spaxel.methods.lopsided import lopsided
from spaxel.methods.mixtures.result import mixture_result
from spaxel.methods.saving import save as save_run
from spaxel.methods.state import pack, unpack
from spaxel.preprocess.choice import look_at
from spaxel.preprocess.known_noise import known_noise, said_of_noise

Encoder = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # spectra -> their abundances, and what these explain
Errors = Callable[[np.ndarray, np.ndarray], np.ndarray]  # spectra, abundances -> their standard errors
LARGEST = float(np.finfo(np.float32).max)  # abundance that is kept
SIGNED = 0.01  # share of the energy in negative values, above which data are signed; less is noise around zero


class Unmixed(NamedTuple):
    """What a method finds in a sample.

    components : (k, channel), largest first      info : plain values for `info_`: sentence, kind, explained, evidence, …
    warnings   : sentences about what is doubtful      arrays : for `state_`, besides the components
    """

    components: np.ndarray
    info: dict[str, Any]
    warnings: list[str]
    arrays: Arrays


class Codes(NamedTuple):
    """What is made of a spectrum: its abundances, and their errors where they are known."""

    encoder: Encoder
    errors: Errors | None = None


class Unmixing(TransformerMixin, BaseEstimator):
    """A method of unmixing: a class that declares its parameters and adds two functions.

    `_learn(sample)` gives what is Unmixed from a sample; `state_` then holds the axis, `info_` what `gather` says.
    `_encoder()` gives a function of float64 spectra (n, channel) that can be pickled: abundances (n, k) and the spectra that
    they explain (n, channel), each row from its own spectrum alone.
    After fit: `components_` (k, channel), `n_components_`, `state_`, `info_`, `n_features_in_`.
    """

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn is told: NaN may stand in an array."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: None = None) -> Self:
        """Find components in a sample. y is ignored. Returns self. Warns (UserWarning) where the result is doubtful."""
        check_parameters(self)
        cubes, axis, info = prepare_all(as_cubes(checked(self, X, reset=True))[0])
        sample, gaps = self._sampled(cubes, len(axis))
        self.info_ = info | {"n_sampled": len(sample.spectra)}
        check_range(sample.spectra, *SINGLE)  # abundances are kept in single precision
        self.info_ |= {"method": self.method}
        one = lopsided(sample.spectra, axis, info["units"])
        self.state_: Arrays = {"channel": axis} | gaps
        with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            whole = sample._replace(spectra=holes_filled(sample.spectra)) if self._gaps() == "any" else sample
            sample, belief = known_noise(sample)
            found = self._learn(sample)
        self.info_ |= said_of_noise(belief, found.info.pop("noise_for", []))
        doubted = [belief.sentence] if belief.sentence and not belief.used else []
        said = [
            *doubted,
            *([one] if one else []),
            *found.warnings,
            *(str(w.message) for w in caught if issubclass(w.category, UserWarning)),
        ]
        model = kept_completion(self.state_)
        counts = look_at(whole if model is None else whole_numbers(whole, model)).counts
        self.info_ |= found.info | {"warnings": said, "n_components": len(found.components), "counts": counts}
        recipe = picture_recipe(whole.spectra, axis, self.info_["units"], counts)
        self.state_ |= found.arrays | {"components": np.ascontiguousarray(found.components)} | pack("picture_", recipe)
        self.n_features_in_ = len(axis)
        for sentence in said:
            warnings.warn(sentence, UserWarning, stacklevel=2)
        return self

    def fit_transform(self, X: Any, y: None = None) -> Any:
        """`fit`, then `transform` of the same: an array, a cube, or a list of cubes. y is ignored."""
        return self.fit(X).transform(X)

    def _errors(self) -> Errors | None:
        """A function of spectra and abundances that can be pickled: standard errors (n, k). None: the method knows none."""
        return None

    def _gaps(self) -> Gaps:
        """What becomes of missing values, see spaxel.cube.gaps; where they stay ("any"), the method knows what to do."""
        return "complete"

    def _ordered(self) -> bool:
        """Whether all spectra are read in their order."""
        return False

    def _completes(self) -> bool:
        """Whether missing values are completed."""
        return self._gaps() == "complete"

    def _read(self, cubes: Cubes, gaps: Gaps) -> Sample:
        if self._ordered():
            return ordered_cubes(cubes, self.n_sample, self.memory, gaps)
        return sample_cubes(cubes, self.n_sample, self.random_state, self.memory, gaps)

    def _sampled(self, cubes: Cubes, channels: int) -> tuple[Sample, Arrays]:
        """A sample, and for `state_` how its missing values were completed, if they were."""
        if not self._completes():
            return self._read(cubes, self._gaps()), {}
        whole = whole_sample(cubes, self._read, channels)
        return whole.sample, whole.arrays

    @property
    def components_(self) -> np.ndarray:
        """The components, (k, channel), largest first."""
        return self.state_["components"]

    @property
    def n_components_(self) -> int:
        """The number of components."""
        return len(self.state_["components"])

    def transform(self, X: Any) -> Any:
        """Abundances of new spectra: (n, k) of an array, or a result per cube (see spaxel.results.convention). Changes nothing.

        Raises CubeError if the axis is another one; the message says what differs.
        """
        check_is_fitted(self, "state_")
        cubes, kind = as_cubes(checked(self, X, reset=False))
        if kind == "array":
            return self._map(cubes[0])[0]["abundances"][:, 0].astype(np.float64)
        prepared = [prepare(cube, self.info_, self.state_["channel"]) for cube in cubes]
        results = [self._result(cube) for cube in prepared]
        return results[0] if kind == "cube" else results

    def _result(self, cube: xr.Dataset) -> xr.Dataset:
        """The result on a prepared cube."""
        return mixture_result(cube, self.state_, self.info_, *self._map(cube))

    def inverse_transform(self, abundances: np.ndarray) -> np.ndarray:
        """Spectra of abundances: (n, k) -> (n, channel), abundances @ components_ (a scene's brightness is not in them)."""
        check_is_fitted(self, "state_")
        return np.asarray(abundances) @ self.components_

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save as a folder of plain text and arrays; spaxel.load brings it back. Raises Exists if something is there."""
        check_is_fitted(self, "state_")
        return save_run(self, path, overwrite=overwrite)

    def _map(self, cube: Any) -> tuple[Arrays, Arrays]:
        recipe, model = unpack(Recipe, self.state_, "picture_"), kept_completion(self.state_)
        nothing = np.float32(np.nan)
        fill = {
            "abundances": np.full(self.n_components_, nothing),
            "residual": nothing,
            **blank_pictures(recipe),
        }
        errors = self._errors()
        fill |= {} if errors is None else {"abundance_error": fill["abundances"]}
        function = partial(_block, Codes(self._encoder(), errors), recipe, model)
        gaps: Gaps = self._gaps() if model is None else "keep"  # residuals are of what was measured
        return map_tiles(function, cube, fill, memory=self.memory, gaps=gaps)


def is_signed(spectra: np.ndarray) -> bool:
    """Whether spectra (n, channel), NaN = missing, are negative by nature, as derivatives are: the rule of all methods.

    Negative values must carry more than a hundredth of the energy; noise around zero, however many values are below it, does
    not.
    """
    return float(np.nansum(np.minimum(spectra, 0) ** 2)) > SIGNED * float(np.nansum(spectra**2))


def _block(codes: Codes, recipe: Recipe, model: Completion | None, block: np.ndarray, n: int) -> tuple[Arrays, Arrays]:
    """Abundances, residual and colours of a block of spectra, NaN = missing; the residual is of what is not."""
    x = block.astype(np.float64)
    seen = np.isfinite(x)
    whole = x if model is None else complete(x, model)
    abundances, explained = codes.encoder(whole)
    errors = {} if codes.errors is None else {"abundance_error": _kept(codes.errors(whole, abundances))}
    if not seen.all():
        block = np.where(seen, x, np.nan_to_num(explained if model is None else whole))
        x, explained = np.where(seen, x, 0.0), np.where(seen, explained, 0.0)
    residual = np.linalg.norm(x - explained, axis=1) / np.maximum(np.linalg.norm(x, axis=1), 1e-300)
    pixels = {
        "abundances": _kept(abundances),
        "residual": residual.astype(np.float32),
    } | errors
    return pixels | pictures(block, recipe), {}


def _kept(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -LARGEST, LARGEST).astype(np.float32)
