"""The conditions of a factorisation: which there are, which go together, and with which table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import CubeError, ParameterError


class Conditions(NamedTuple):
    """What a factorisation keeps to, besides that concentrations are not negative.

    loss       : "gaussian" least squares, "poisson" Kullback-Leibler, for counts
    closure    : concentrations of a sample sum to 1
    runs       : (n,) whole numbers, the run of each sample, samples in order of time: each concentration profile has one
                 maximum per run. One run: zeros
    known      : (m, channel) spectra that are components already; they come first and stay to the bit
    min_volume : price of the volume that components span, 1 = as likely as the noise says; without closure, of spectra
                 over their total intensity
    robust     : samples far from the subspace that most share do not count (see `sample_trust`)
    signed     : components may be negative
    allowed    : (n, k) bool, False where a sample is known to hold none of a component; the columns keep their order
    alike      : (n,) whole numbers, runs of one length: a component has the same profile in each, up to its height
    """

    loss: str = "gaussian"
    closure: bool = False
    runs: np.ndarray | None = None
    known: np.ndarray | None = None
    min_volume: float = 0.0
    robust: bool = False
    signed: bool = False
    allowed: np.ndarray | None = None
    alike: np.ndarray | None = None


def check_conditions(x: np.ndarray, k: int, conditions: Conditions) -> None:
    """Raises ParameterError for conditions that exclude each other or the table, CubeError for a table without signal."""
    loss, closure, runs, known, min_volume, _, signed, allowed, alike = conditions
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
    if allowed is not None:
        _check_allowed(x, k, allowed, closure=closure or min_volume > 0)
    if alike is not None:
        _check_alike(x, conditions)


def _check_allowed(x: np.ndarray, k: int, allowed: np.ndarray, *, closure: bool) -> None:
    if allowed.shape != (len(x), k):
        raise ParameterError(f"zeros have shape {allowed.shape}, expected ({len(x)}, {k}): samples by components.")
    if not allowed.any(0).all():
        empty = ", ".join(map(str, np.flatnonzero(~allowed.any(0))))
        raise ParameterError(f"Zeros leave no sample to these components: {empty}. Try to take those columns out.")
    if closure and not allowed.any(1).all():
        raise ParameterError("Zeros leave no component to some samples, whose sum cannot be 1. Try without closure.")


def _check_alike(x: np.ndarray, conditions: Conditions) -> None:
    alike = np.asarray(conditions.alike)
    if alike.shape != (len(x),):
        raise ParameterError(f"runs have shape {alike.shape}, expected one number per sample ({len(x)},).")
    if conditions.closure or conditions.min_volume or conditions.loss == "poisson":
        raise ParameterError("trilinear does not go with closure, min_volume or loss='poisson'. Try one of them.")
    lengths = np.unique(alike, return_counts=True)[1]
    if len(lengths) < 2 or len(set(lengths.tolist())) > 1:
        raise ParameterError(
            f"trilinear needs two runs or more of one length (one file each), and these have {', '.join(map(str, lengths))} "
            "spectra. Try to cut them to the same times, or without trilinear."
        )
    if conditions.allowed is not None:
        grid = np.stack([conditions.allowed[alike == run] for run in np.unique(alike)])  # (run, time, k)
        if (grid != grid.any(1, keepdims=True) & grid.any(0, keepdims=True)).any():
            raise ParameterError("With trilinear, zeros are of whole runs, or of the same times in all of them.")


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
