"""The number of components from a cold start: a random pool of candidates, gated, cooled to the noise, and reheated.

The published training stays on the mean spectrum for a thousand epochs, and its number depends on where it is stopped. Three
changes: each gate begins along its own candidate, so that samples that are alike open the same gates; the fit is weighed by
a noise that falls from far above the true one, so that candidates merge while their errors do not matter yet; a candidate
has a price besides its uses, so that few candidates are used often. What is left is reheated with all gates open again
until the number falls no more. Of all states that explain the samples to the noise, the one with the fewest candidates is
taken. No eigenvector or factorisation of the samples is looked at, only their mean and their noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spaxel.errors import CubeError, ParameterError
from spaxel.methods.ebgmcr.net.cooling import Heat, State, Table, cool, shape, table_of
from spaxel.methods.ebgmcr.net.pool import Form, GatedPool

AGAIN = 0.4  # epochs of a reheating over those of the first cooling
MERGED = 0.9  # cosine from which two candidates become one before a reheating
ENOUGH = 1.1  # residual over what the noise lets expect, up to which a state explains the samples
PATIENCE = 4  # reheatings in a row that gain nothing

FIRST = Heat(0.1, 0.3, 8.0)
REHEATS = (
    Heat(0.3, 0.3, 5.0),
    Heat(0.3, 0.3, 5.0, 3.0),
    Heat(0.6, 0.6, 5.0),
    Heat(0.3, 0.3, 3.0),
    Heat(0.6, 0.3, 5.0, 3.0),
) * 3


class Cold(NamedTuple):
    """components : (k, channel), norm 1, most used first      codes : (n, k) in the units of X, exact zeros
    pool : the trained GatedPool, which codes new samples      history : a dict per cooling      sentence : what was reached
    reached : whether the samples are explained to the noise
    """

    components: np.ndarray
    codes: np.ndarray
    pool: GatedPool
    history: list[dict[str, float]]
    sentence: str
    reached: bool


def cold_pool(
    X: np.ndarray,
    noise: np.ndarray | float,
    *,
    n_pool: int = 1024,
    epochs: int = 1000,
    seed: int = 0,
    nonnegative: bool = True,
) -> Cold:
    """Components and their number from a pool of random candidates.

    X : (n, channel)      noise : standard deviation per entry, one or (n,)      n_pool : candidates
    epochs : of the first cooling, 0.4 of them for each of at most 15 reheatings      seed : same seed, same bits
    minimises   Σ |x - Σ p c s|² / (2 σ_t²) + Σ p (1 - p) c² / (2 σ_t²) + (ln k + 3) Σ p
                + (d/2 + 6 √(d/2)) Σ_k u_k / (u_k + ū) + e Σ logit²      σ_t falls to σ, u_k = Σ_i p_ik, ū their mean
    by Adam over all samples at once; the first two terms are what independent gates of chance p cost on average, so none is
    drawn. After Chang & Chen, arXiv:2507.23600; see docs/notes/ebgmcr.md.
    Raises CubeError for NaN or zeros, ParameterError for options out of range.
    Fails, and says so, where no state explains the samples to their noise; finds too many where it is not cooled long enough.
    """
    X = np.asarray(X, np.float64)
    sigma = _checked(X, noise, n_pool, epochs)
    table = table_of(X / sigma[:, None], nonnegative=nonnegative)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(n_pool, X.shape[1], generator=generator)
    state = cool(table, shape(start, nonnegative=nonnegative), FIRST, epochs)
    history, failed = [_line(state, FIRST, epochs)], 0
    for heat in REHEATS:
        if failed == PATIENCE or len(state.spectra) <= 1:
            break
        trial = cool(table, merged(state, nonnegative=nonnegative), heat, max(1, round(AGAIN * epochs)))
        history.append(_line(trial, heat, round(AGAIN * epochs)))
        failed = 0 if better(trial, state) else failed + 1
        state = trial if better(trial, state) else state
    return _told(table, state, sigma, history, n_pool)


def better(trial: State, state: State) -> bool:
    """Fewer candidates among states that explain the samples; as many, and a hundredth more explained; else the residual."""
    if not (trial.residual <= ENOUGH and state.residual <= ENOUGH):
        return trial.residual < state.residual
    fewer = len(trial.spectra) - len(state.spectra)
    return fewer < 0 or (fewer == 0 and trial.residual < 0.99 * state.residual)


def merged(state: State, *, nonnegative: bool) -> Tensor:
    """Spectra of a state, those nearly alike (cosine above 0.9) replaced by their mean, weighed by use."""
    usage = (state.codes > 0).sum(0).float()
    order = usage.argsort(descending=True, stable=True)
    rest, weight, found = state.spectra[order], usage[order], []
    while len(rest):
        near = rest @ rest[0] > MERGED
        near[0] = True
        found.append((rest[near] * weight[near, None]).sum(0))
        rest, weight = rest[~near], weight[~near]
    return shape(torch.stack(found), nonnegative=nonnegative)


def _line(state: State, heat: Heat, epochs: int) -> dict[str, float]:
    uses = int((state.codes > 0).sum())
    return {"epochs": epochs, "used": len(state.spectra), "uses": uses, "residual": state.residual, **heat._asdict()}


def _told(table: Table, state: State, sigma: np.ndarray, history: list, n_pool: int) -> Cold:
    order = state.codes.sum(0).argsort(descending=True, stable=True)
    spectra, codes = state.spectra[order], state.codes[:, order]
    amounts, gates = (_unfolded(table, head[order]) for head in (state.amounts, state.gates))
    pool = GatedPool(spectra, amounts, gates, torch.zeros(len(spectra)), Form(signed=not table.nonnegative))
    with torch.no_grad():
        pool.log_sharp.copy_((gates.norm(dim=1) * table.sigma).clamp_min(1e-12).log())
    k, reached = len(spectra), state.residual <= ENOUGH and len(spectra) > 0
    sentence = (
        f"{k} of {n_pool} random candidates are used after {sum(line['epochs'] for line in history)} epochs in "
        f"{len(history)} coolings; the residual is {state.residual:.2f} of what the noise lets expect"
    )
    sentence += (
        "." if reached else ": the samples are not explained, so the number is not to be trusted. Try more epochs."
    )
    amounts = codes.double().numpy() * sigma[:, None] / table.sigma
    return Cold(spectra.double().numpy(), amounts, pool, history, sentence, reached)


def _unfolded(table: Table, head: Tensor) -> Tensor:
    """A head on h (k, channel + 1) as one on y (k, channel)."""
    off = head[:, :-1] / table.size[0]
    off = off - (off @ table.mean)[:, None] * table.mean
    return off + head[:, -1:] / table.size[1] * table.mean


def _checked(X: np.ndarray, noise: np.ndarray | float, n_pool: int, epochs: int) -> np.ndarray:
    """Noise (n,) of samples that can be worked on."""
    if X.ndim != 2 or min(X.shape) < 2 or not np.isfinite(X).all():
        raise CubeError(f"X has shape {X.shape}, expected at least 2 finite samples of 2 channels. Try without NaN.")
    if not X.any(1).all():
        raise CubeError("There are samples that are all zero. Try without them.")
    sigma = np.broadcast_to(np.asarray(noise, np.float64), len(X))
    if not (np.isfinite(sigma).all() and (sigma > 0).all()):
        raise ParameterError("noise must be positive and finite. Try spaxel.linear.sparse.factorise.choose_weights.")
    for name, value, least in (("n_pool", n_pool, 2), ("epochs", epochs, 1)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ParameterError(f"{name} is {value!r}, expected a whole number from {least}.")
    return sigma
