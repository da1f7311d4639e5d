"""Which pure spectra are mixed, how many, and how much of each: multivariate curve resolution."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from spaxel.linear.abundances import fcls, nnls
from spaxel.linear.factor import encode, factorise
from spaxel.linear.rank import count_components
from spaxel.linear.scene import scene_components
from spaxel.mapping import Arrays, Progress, map_tiles
from spaxel.methods.contract import as_cubes, check_parameters, check_range, checked, gather, prepare
from spaxel.methods.mixing import mixture_result
from spaxel.picture import Recipe, paint, picture_recipe
from spaxel.preprocess.choice import look_at
from spaxel.sampling import Sample

FEW = 2000  # spectra up to which `auto` takes a cube for a table


@dataclass(eq=False, repr=False)
class MCR(TransformerMixin, BaseEstimator):
    """X ≈ abundances @ components, both non-negative (components signed where the data are); the number is found.

    Two ways, chosen by `kind`. A table (a list of spectra, or an image of at most 2,000 pixels) is factorised: few components
    per sample, count by the Marchenko-Pastur edge, annealed sparse codes (spaxel.linear.factor). A scene has many pixels and
    nearly pure groups: group means, largest simplex, sum-to-one abundances (spaxel.linear.scene).

    fit takes a cube, a list of cubes on one axis (also several runs: augmented MCR), or an array (n_spectra, n_channels).
    After fit: `components_` (k, channel), `n_components_`, `state_`, `info_` (sentences, warnings), `n_features_in_`.
    transform: abundances (n, k) of an array, or a result per cube, with `abundances`, `residual` and the largest as label.
    Fails, and says so, where samples hold most components at once (the rotation is not identifiable), with fewer than two
    samples per component, and in scenes without nearly pure pixels.
    """

    n_components: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | Literal["auto"],
        Field(description="number of components, or auto: found, with evidence"),
    ] = "auto"
    kind: Annotated[
        Literal["auto", "table", "scene"],
        Field(description="table: sparse mixtures of many components; scene: an image of few materials"),
    ] = "auto"
    signed: Annotated[
        bool | Literal["auto"],
        Field(description="whether components may be negative (derivatives); auto: if the data are"),
    ] = "auto"
    normalise: Annotated[
        Literal["auto", "raw", "unit"],
        Field(description="of a scene; unit is blind to brightness, auto looks at the light"),
    ] = "auto"
    n_sample: Annotated[int, Field(ge=10, description="spectra that the fit looks at")] = 8_000
    random_state: Annotated[int, Field(ge=0, description="seed: the same seed gives the same bits")] = 0
    memory: Annotated[int | None, Field(ge=1, description="bytes for reading; never changes the answer")] = None

    def fit(self, X: Any, y: None = None) -> MCR:
        """Find components in a sample. y is ignored. Returns self. Warns (UserWarning) where the result is not identifiable."""
        check_parameters(self)
        X = checked(self, X, reset=True)
        sample, axis, self.info_ = gather(self, X, self.n_sample)
        self.state_: Arrays = {"channel": axis}
        with threadpool_limits(1):
            self._learn(sample)
        self.n_features_in_ = len(axis)
        return self

    @property
    def components_(self) -> np.ndarray:
        """The components, (k, channel), largest first."""
        return self.state_["components"]

    @property
    def n_components_(self) -> int:
        """The number of components."""
        return len(self.state_["components"])

    def transform(self, X: Any, *, progress: Progress | None = None) -> Any:
        """Abundances of new spectra: (n, k) of an array, or a result per cube (see spaxel.result). Changes nothing.

        Raises CubeError if the axis is another one; the message says what differs.
        """
        check_is_fitted(self, "state_")
        cubes, kind = as_cubes(checked(self, X, reset=False))
        if kind == "array":
            return self._map(cubes[0], None)["abundances"][:, 0].astype(np.float64)
        ready = [prepare(cube, self.info_, self.state_["channel"]) for cube in cubes]
        results = [mixture_result(cube, self.state_, self.info_, self._map(cube, progress)) for cube in ready]
        return results[0] if kind == "cube" else results

    def inverse_transform(self, abundances: np.ndarray) -> np.ndarray:
        """Spectra of abundances: (n, k) -> (n, channel), abundances @ components_ (a scene's brightness is not in them)."""
        check_is_fitted(self, "state_")
        return np.asarray(abundances) @ self.components_

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save as a folder of plain text and arrays; spaxel.load brings it back. Raises Exists if something is there."""
        from spaxel.methods import save

        check_is_fitted(self, "state_")
        return save(self, path, overwrite=overwrite)

    def _map(self, cube: Any, progress: Progress | None) -> Arrays:
        state = self.state_
        recipe = Recipe(*(state[f"picture_{name}"] for name in Recipe._fields))
        function = partial(
            _block, state["components"], self.info_["kind"], self.info_["normalisation"], self.info_["noise"], recipe
        )
        nothing = np.float32(np.nan)
        fill = {
            "abundances": np.full(self.n_components_, nothing),
            "residual": nothing,
            "picture": np.full(3, 255, np.uint8),
        }
        return map_tiles(function, cube, fill, memory=self.memory, progress=progress)[0]

    def _learn(self, sample: Sample) -> None:
        spectra = sample.spectra.astype(np.float64)
        check_range(sample.spectra)
        kind = self.kind
        if kind == "auto":
            kind = "scene" if len(sample.pairs) and len(spectra) > FEW else "table"
        number = None if self.n_components == "auto" else self.n_components
        signed = bool((spectra < 0).mean() > SIGNED) if self.signed == "auto" else self.signed
        learn = self._learn_scene if kind == "scene" else partial(self._learn_table, signed=signed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            components = learn(spectra, number)
        self.info_["warnings"] += [str(w.message) for w in caught]
        counts = look_at(sample).counts
        self.info_ |= {"method": "mcr", "kind": kind, "n_components": len(components), "counts": counts}
        recipe = picture_recipe(sample.spectra, self.state_["channel"], self.info_["units"], counts)
        self.state_ |= {"components": np.ascontiguousarray(components)}
        self.state_ |= {f"picture_{k}": np.ascontiguousarray(v) for k, v in recipe._asdict().items()}
        for sentence in self.info_["warnings"]:
            warnings.warn(sentence, UserWarning, stacklevel=4)

    def _learn_scene(self, spectra: np.ndarray, number: int | None) -> np.ndarray:
        found = scene_components(spectra, number, normalise=self.normalise, seed=self.random_state)
        self.info_ |= {
            "sentence": found.sentence,
            "normalisation": found.normalisation,
            "noise": [0.0, 0.0, 1.0],
            "explained": 1 - found.unexplained,
            "evidence": found.evidence,
            "warnings": [],
        }
        return found.components

    def _learn_table(self, spectra: np.ndarray, number: int | None, signed: bool) -> np.ndarray:
        usable = min(spectra.shape) if number is None else min(number, *spectra.shape)
        number = None if number is None else usable
        positive = spectra if signed else np.maximum(spectra, 0)
        lit = positive[positive.any(1)]
        found = factorise(lit, number, signed=signed, seed=self.random_state)
        power = 0.5 if np.isnan(found.weights.p) else float(found.weights.p)
        level = float(np.nanmedian(found.noise / np.linalg.norm(lit, axis=1) ** power))
        strongest = float((np.linalg.norm(lit, axis=1) / np.maximum(found.noise, 1e-300)).max())
        self.info_ |= {
            "sentence": _table_sentence(found, number),
            "normalisation": "raw",
            "noise": [level, power, max(1.0, strongest / np.sqrt(63 * spectra.shape[1]))],
            "explained": found.r2,
            "evidence": {
                "edge": found.n_edge,
                "confirmed": found.n_confirmed,
                "r2": found.r2,
                "r2_expected": found.r2_expected,
            },
            "warnings": list(found.warnings),
        }
        self.info_["evidence"]["estimates"] = count_components(lit, slow=False).estimates
        if found.n:
            return found.components
        self.info_["warnings"].append(
            "No component stands above the noise; the mean spectrum is given as the only one."
        )
        self.info_["noise"] = [0.0, 0.0, 1.0]
        mean = lit.mean(0, keepdims=True)
        return mean / max(float(np.linalg.norm(mean)), 1e-300)


SIGNED = 0.01  # share of negative values from which the data are signed; fewer is noise around zero


def _block(
    components: np.ndarray, kind: str, normalisation: str, noise: list[float], recipe: Recipe, block: np.ndarray, n: int
) -> tuple[Arrays, Arrays]:
    """Abundances, residual and colours of a block of spectra; `noise` is [level, power, hottest] of a table."""
    x = block.astype(np.float64)
    norm = np.linalg.norm(x, axis=1)
    if kind == "scene" and normalisation == "unit":
        amounts = nnls(x, components)
        total = amounts.sum(1, keepdims=True)
        abundances = np.divide(amounts, total, out=np.full_like(amounts, np.nan), where=total > 0)
        left = x - amounts @ components
    elif kind == "scene":
        abundances = fcls(x, components)
        left = x - abundances @ components
    else:
        level, power, hottest = noise
        sigma = np.maximum(level * norm**power, 1e-9 * norm + 1e-300)
        abundances = encode(x, components, sigma, hottest=hottest) if level > 0 else nnls(x, components)
        left = x - abundances @ components
    residual = np.linalg.norm(left, axis=1) / np.maximum(norm, 1e-300)
    pixels = {"abundances": abundances.astype(np.float32), "residual": residual.astype(np.float32)}
    return pixels | {"picture": paint(block, recipe)}, {}


def _table_sentence(found: Any, number: int | None) -> str:
    if number is not None:
        return f"{found.n} components, as asked; the noise edge alone would say {found.n_edge}."
    agree = found.n == found.n_edge
    sure = "sure" if agree and not found.warnings else "fairly sure" if agree or not found.warnings else "unsure"
    return (
        f"{found.n} components, {sure}: the noise edge says {found.n_edge}, the factorisation needs {found.n}, of which "
        f"{found.n_confirmed} are seen in more than one spectrum; explained {found.r2:.3f} of the variance, where the noise "
        f"lets expect {found.r2_expected:.3f}. Option n_components decides."
    )
