"""Which constraints of a factorisation go together, and with which table."""

from __future__ import annotations

import numpy as np

from spaxel.errors import CubeError, ParameterError


def check_constraints(
    x: np.ndarray,
    k: int,
    loss: str,
    closure: bool,
    runs: np.ndarray | None,
    known: np.ndarray | None,
    min_volume: float,
    signed: bool,
) -> None:
    """Raises ParameterError for constraints that exclude each other or the table, CubeError for a table without signal."""
    if not x.any():
        raise CubeError("All known values are zero: there is nothing to factorise.")
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= min(x.shape):
        raise ParameterError(f"n_components is {k!r}, expected a whole number from 1 to {min(x.shape)}.")
    if loss not in ("gaussian", "poisson"):
        raise ParameterError(f"loss is {loss!r}. Try gaussian or poisson.")
    if not (np.isfinite(min_volume) and min_volume >= 0):
        raise ParameterError(
            f"min_volume is {min_volume!r}, expected a number from 0 on; 1 is as likely as the noise says."
        )
    if loss == "poisson" and (signed or (x < 0).any()):
        raise ParameterError("loss='poisson' is for counts, and there are negative values. Try loss='gaussian'.")
    if loss == "poisson" and min_volume:
        raise ParameterError("loss='poisson' does not go with min_volume. Try one of them.")
    if runs is not None and (closure or min_volume):
        raise ParameterError("One maximum per run does not go with closure or min_volume. Try one of them.")
    if min_volume and not closure and (signed or known is not None):
        raise ParameterError("min_volume needs closure=True for signed data and beside known components.")
    if runs is not None and np.shape(runs) != (len(x),):
        raise ParameterError(f"runs has shape {np.shape(runs)}, expected one number per sample ({len(x)},).")
    if known is not None:
        _check_known(x, k, loss, known)


def _check_known(x: np.ndarray, k: int, loss: str, known: np.ndarray) -> None:
    if known.ndim != 2 or known.shape[1] != x.shape[1]:
        raise ParameterError(
            f"known has shape {known.shape}, expected (m, {x.shape[1]}): spectra on the axis of the data."
        )
    if not 1 <= len(known) <= k:
        raise ParameterError(f"{len(known)} components are known of {k}. Try a larger n_components.")
    if not np.isfinite(known).all() or not known.any(1).all():
        raise ParameterError("Known components must be finite and not all zero.")
    if loss == "poisson" and (known < 0).any():
        raise ParameterError("Known components of counts must not be negative.")
