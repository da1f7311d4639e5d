"""Plain methods of unmixing, told the number: for unmixing.py and constraints.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import NMF

from spaxel.linear.abundances import fcls
from spaxel.linear.vertex import nfindr, spa
from vca import vca

Answer = tuple[np.ndarray, np.ndarray]  # components, abundances


def unit(X: np.ndarray) -> np.ndarray:
    """Spectra over their norms."""
    return X / np.maximum(np.linalg.norm(X, axis=-1, keepdims=True), 1e-300)


def _nmf(X: np.ndarray, k: int, seed: int) -> Answer:
    model = NMF(k, init="nndsvdar", random_state=seed, max_iter=500)
    W = model.fit_transform(np.maximum(X, 0))
    size = np.linalg.norm(model.components_, axis=1)
    W = W * size
    return model.components_, W / np.maximum(W.sum(1, keepdims=True), 1e-300)


def _mcr_als(X: np.ndarray, k: int, seed: int) -> Answer:
    from pymcr.constraints import ConstraintNonneg, ConstraintNorm
    from pymcr.mcr import McrAR

    model = McrAR(
        max_iter=50, c_regr="NNLS", st_regr="NNLS",
        c_constraints=[ConstraintNonneg(), ConstraintNorm()], st_constraints=[ConstraintNonneg()],
    )  # fmt: skip
    model.fit(X, ST=X[vca(X, k, seed)])
    return model.ST_opt_, model.C_opt_


def _corners(find: Callable, view: Callable) -> Callable[[np.ndarray, int, int], Answer]:
    def method(X: np.ndarray, k: int, seed: int) -> Answer:
        Y = view(X)
        S = Y[find(Y, k, seed)]
        return S, fcls(Y, S)

    return method


def _start_at_random(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    return nfindr(X, k, np.random.default_rng(seed).permutation(len(X))[:k]).indices


METHODS: dict[str, Callable[[np.ndarray, int, int], Answer]] = {
    "VCA + FCLS": _corners(vca, lambda X: X),
    "VCA + FCLS, unit norm": _corners(vca, unit),
    "N-FINDR + FCLS": _corners(_start_at_random, lambda X: X),
    "N-FINDR + FCLS, unit norm": _corners(_start_at_random, unit),
    "SPA + FCLS": _corners(lambda X, k, seed: spa(X, k), lambda X: X),
    "NMF (scikit-learn)": _nmf,
    "MCR-ALS (pymcr), VCA start": _mcr_als,
}
