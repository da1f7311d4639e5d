"""Plain methods of unmixing to compare with: scikit-learn's NMF and MCR-ALS of pymcr, both told or asked for the number."""

from __future__ import annotations

import logging
import warnings
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.decomposition import NMF as SklearnNMF
from sklearn.exceptions import ConvergenceWarning

from spaxel.cube.sampling import Sample
from spaxel.errors import CubeError, ParameterError, missing_extra
from spaxel.linear.abundances import nnls
from spaxel.linear.count.rank import count_components
from spaxel.linear.vertex import spa
from spaxel.methods.mixtures.base import Encoder, Unmixed, Unmixing
from spaxel.methods.parameters import Components, MaxIter, Memory, NSample, Seed, declared
from spaxel.pace import tell

Count = Annotated[
    Components | Literal["auto"],
    Field(description="number of components, or auto: the noise edge counts, not the method"),
]


@declared
class NMF(Unmixing):
    """X ≈ abundances @ components, both >= 0, of least squared error: scikit-learn's coordinate descent, nndsvda start.

    Neither sparse nor unique: many pairs fit as well, and the one found depends on the start. Negative values count as 0.
    Components have norm 1, abundances the units of X; new spectra by non-negative least squares. fit, transform and
    attributes as in MCR. Warns where the iterations did not converge.
    """

    method: ClassVar[str] = "nmf"

    n_components: Count = "auto"
    max_iter: MaxIter = 1000
    n_sample: NSample = 8_000
    random_state: Seed = 0
    memory: Memory = None

    def _learn(self, sample: Sample) -> Unmixed:
        X, k, about = _table(sample, self.n_components)
        model = SklearnNMF(k, init="nndsvda" if k <= min(X.shape) else "random", tol=1e-5, max_iter=self.max_iter)
        model.set_params(random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            amounts = model.fit_transform(X)
        self.n_iter_ = model.n_iter_
        if self.n_iter_ >= self.max_iter:
            warnings.warn(
                f"NMF did not converge in {self.max_iter} iterations. Try a larger max_iter.", UserWarning, stacklevel=2
            )
        return _told(X, amounts, model.components_, about)

    def _encoder(self) -> Encoder:
        return partial(_encode, self.components_)


@declared
class MCRALS(Unmixing):
    """Alternating least squares with non-negativity, as chemometricians know it: the package pymcr, started by SPA.

    Stops where the error no longer falls. Not unique where components overlap in all samples. Negative values count as 0.
    Components have norm 1, abundances the units of X; new spectra by non-negative least squares. fit, transform and
    attributes as in MCR. Raises MissingExtra if pymcr is not installed.
    """

    method: ClassVar[str] = "mcr-als"
    libraries: ClassVar[tuple[str, ...]] = ("pymcr",)  # that its fit works with

    n_components: Count = "auto"
    max_iter: MaxIter = 50
    n_sample: NSample = 8_000
    random_state: Seed = 0
    memory: Memory = None

    def _learn(self, sample: Sample) -> Unmixed:
        X, k, about = _table(sample, self.n_components)
        amounts, components, self.n_iter_ = _alternate(X, X[spa(X, k)], self.max_iter)
        return _told(X, amounts, components, about)

    def _encoder(self) -> Encoder:
        return partial(_encode, self.components_)


def _alternate(X: np.ndarray, start: np.ndarray, max_iter: int) -> tuple[np.ndarray, np.ndarray, int]:
    try:
        from pymcr.constraints import ConstraintNonneg
        from pymcr.mcr import McrAR
        from pymcr.regressors import NNLS, LinearRegression
    except ImportError as error:
        raise missing_extra("The method mcr-als", "pymcr", "als") from error
    logging.getLogger("pymcr.mcr").propagate = False  # it prints

    class Quick(LinearRegression):
        """Non-negative least squares of all right sides at once; of dependent columns, which have no one answer, by pymcr's."""

        def fit(self, A: np.ndarray, B: np.ndarray) -> None:
            """A X = B for X (k, n). A : (m, k)      B : (m, n)"""
            try:
                self.X_ = nnls(B.T, A.T).T
            except CubeError:
                plain = NNLS()
                plain.fit(A, B)
                self.X_ = plain.X_

    model = McrAR(
        max_iter=max_iter, c_regr=Quick(), st_regr=Quick(), tol_increase=1.0,
        c_constraints=[ConstraintNonneg()], st_constraints=[ConstraintNonneg()],
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        model.fit(X, ST=start, post_iter_fcn=lambda *_: tell("rounds", model.n_iter or 0, max_iter))
    if model.exit_max_iter_reached:
        warnings.warn(
            f"MCR-ALS did not settle in {max_iter} iterations. Try a larger max_iter.", UserWarning, stacklevel=2
        )
    return model.C_opt_, model.ST_opt_, model.n_iter


def _table(sample: Sample, n_components: int | Literal["auto"]) -> tuple[np.ndarray, int, dict[str, Any]]:
    """The spectra without negative values and empty rows, the number of components, and what `info_` says of it."""
    X = np.maximum(sample.spectra.astype(np.float64), 0)
    X = X[X.any(1)]
    if not len(X):
        raise ParameterError("No spectrum has a positive value. Try --method mcr, which knows signed components.")
    if (sample.spectra < 0).any():
        warnings.warn("Negative values count as 0. MCR keeps them.", UserWarning, stacklevel=2)
    most = min(X.shape)
    if n_components != "auto":
        k = min(n_components, most)
        asked = (
            "as asked" if k == n_components else f"not {n_components} as asked: there are too few spectra or channels"
        )
        return X, k, {"sentence": f"{k} component{'s' * (k > 1)}, {asked}."}
    count = count_components(X)
    about = {"evidence": {"estimates": count.estimates}, "sentence": count.sentence}
    if count.n < 1:
        about["sentence"] = f"1 component is given, though none stands above the noise. Counted: {count.sentence}"
    return X, int(np.clip(count.n, 1, most)), about


def _told(X: np.ndarray, amounts: np.ndarray, components: np.ndarray, about: dict[str, Any]) -> Unmixed:
    """Components of norm 1, largest first, without empty ones, and how much they explain."""
    norms = np.linalg.norm(components, axis=1)
    order = np.argsort(-(amounts.sum(0) * norms), kind="stable")
    order = order[norms[order] > 0]
    left = ((X - amounts @ components) ** 2).sum() / max(((X - X.mean(0)) ** 2).sum(), 1e-300)
    info = about | {"kind": "table", "explained": float(1 - left)}
    return Unmixed(components[order] / norms[order, None], info, [], {})


def _encode(components: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative least squares, row by row."""
    amounts = nnls(x, components)
    return amounts, amounts @ components
