"""MCR of a table under constraints: which are asked for, the factorisation that keeps them, abundances of new spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.abundances import fcls, nnls
from spaxel.linear.constrained.factorise import Constrained, constrain
from spaxel.linear.constrained.feasible import MOST, feasible_bands, too_many
from spaxel.linear.constrained.half_steps import Rules, Table, poisson
from spaxel.linear.constrained.missing import filled_with_noise, pedestal, rank_of_holes
from spaxel.linear.sparse.factorise import factorise
from spaxel.linear.sparse.report import Factors
from spaxel.methods.contract import check_same_axis, prepare
from spaxel.readers import open_cube
from spaxel.store.run_folder import is_run, read_result

ROUNDS = 300  # of multiplicative steps of a new spectrum
AMBIGUOUS = 0.1  # of the signal, by which a component can grow or shrink, from which on this is said


class Wish(NamedTuple):
    """The constraints of a fit, by the parameters of MCR."""

    closure: bool
    unimodal: bool
    known: np.ndarray | None
    loss: str
    min_volume: float
    robust: bool
    pedestal: bool
    missing: bool

    def any(self) -> bool:
        """Whether one of them, missing values apart, is asked for."""
        plain = Wish(False, False, None, "gaussian", 0.0, False, False, self.missing)
        return self.known is not None or self._replace(known=None) != plain


class Resolved(NamedTuple):
    """found : the factorisation      counted : what the count rests on      base : the pedestal, taken off."""

    found: Constrained
    counted: Factors
    base: float


def read_known(known: Any, axis: np.ndarray, info: dict[str, Any]) -> np.ndarray | None:
    """Spectra that are components already, (m, channel) float64: an array, a run (its components), or a file of spectra.

    Raises ParameterError for another shape, CubeError for another axis, and what the reader raises.
    """
    if known is None:
        return None
    if isinstance(known, (str, Path)):
        if is_run(Path(known)):
            result = read_result(known)
            check_same_axis(result, axis, info["units"])
            return result["component_spectra"].values.astype(np.float64)
        cube = prepare(open_cube(known), info, axis)
        return cube["spectra"].values.reshape(-1, len(axis)).astype(np.float64)
    spectra = np.atleast_2d(np.asarray(known, np.float64))
    if spectra.ndim != 2 or spectra.shape[1] != len(axis):
        raise ParameterError(
            f"known has shape {spectra.shape}, expected (m, {len(axis)}): spectra on the axis of the data."
        )
    return spectra


def resolve(
    spectra: np.ndarray, number: int | None, signed: bool, wish: Wish, runs: np.ndarray | None, seed: int
) -> Resolved:
    """Factorise a table (n, channel), NaN = missing, under constraints. number : None = the usual count.

    runs : (n,) of each sample; samples of a run lie in order of time. With `robust`, components that are seen in one sample
    only are not counted: these are outliers.
    """
    base = pedestal(spectra) if wish.pedestal else 0.0
    x = np.maximum(spectra - base, 0) if wish.loss == "poisson" else spectra - base
    counted = _counted(x, number, signed, seed)
    k = number or max(1, counted.n_confirmed if wish.robust else counted.n)
    k = max(k, 0 if wish.known is None else len(wish.known))
    start = counted.components if len(counted.components) == k else None
    found = constrain(
        x, k, loss=wish.loss, closure=wish.closure, runs=runs if wish.unimodal else None, known=wish.known,
        min_volume=wish.min_volume, robust=wish.robust, signed=signed, start=start, seed=seed,
    )  # fmt: skip
    return Resolved(found, counted, base)


def _counted(x: np.ndarray, number: int | None, signed: bool, seed: int) -> Factors:
    """The usual factorisation of the table, holes filled at the rank that best predicts what is known."""
    table = x
    if np.isnan(x).any():
        table = filled_with_noise(x, number or rank_of_holes(x, seed=seed), seed)
    table = table if signed else np.maximum(table, 0)
    return factorise(table[table.any(1)], number, signed=signed, seed=seed)


def encode_resolved(
    components: np.ndarray, closure: bool, loss: str, base: float, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Abundances (n, k) of new spectra (n, channel), NaN = missing, and what these explain, the pedestal included."""
    x = x - base
    amounts = by_holes(x, components, fcls if closure else nnls)
    if loss == "poisson":
        known = np.isfinite(x)
        table = Table(np.where(known, np.maximum(x, 0), 0.0), known.astype(np.float64), np.ones(len(x)))
        begin = np.maximum(np.nan_to_num(amounts), 1e-3 * np.nanmean(amounts, axis=1, keepdims=True))
        begin = np.nan_to_num(begin)
        begin = begin / np.maximum(begin.sum(1, keepdims=True), 1e-300) if closure else begin
        better = poisson(table, components, begin, Rules(closed=closure), ROUNDS)
        amounts = np.where(np.isfinite(amounts), better, np.nan)
    return amounts, amounts @ components + base


def by_holes(x: np.ndarray, components: np.ndarray, solve: Any) -> np.ndarray:
    """Least squares over the channels that each spectrum has; nan where these do not tell the components apart."""
    known = np.isfinite(x)
    if known.all():
        return solve(x, components)
    out = np.full((len(x), len(components)), np.nan)
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        rows = which.ravel() == i
        try:
            out[rows] = solve(x[np.ix_(rows, pattern)], components[:, pattern])
        except CubeError:  # the channels that are left do not determine the abundances
            continue
    return out


def constrained_info(found: Constrained, counted: Factors, number: int | None, k: int) -> dict[str, Any]:
    """What `info_` says of a constrained factorisation."""
    how = (
        "as asked"
        if number is not None
        else f"as the table is counted without constraints (its edge says {counted.n_edge})"
    )
    sentence = f"{k} components, {how}; under the constraints they explain {found.explained:.4f} of the variance."
    return {
        "constrained": True,
        "sentence": sentence if number is not None else sentence + " Option n_components decides.",
        "normalisation": "raw",
        "noise": [found.noise, 0.0, 1.0],
        "explained": found.explained,
        "evidence": {"edge": counted.n_edge, "confirmed": counted.n_confirmed, "rounds": len(found.objective)},
    }


def constrained_warnings(found: Constrained, k: int, junk: list[int], base: float) -> list[str]:
    """Sentences about outliers, empty components, and what was taken off."""
    said = []
    if junk:
        names = ", ".join(map(str, junk[:20])) + (" …" if len(junk) > 20 else "")
        said.append(
            f"{len(junk)} of {len(found.sample_weights)} spectra lie far from all mixtures and did not count: {names}."
        )
    if k < len(found.components):
        said.append(f"Only {k} of {len(found.components)} components are used under the constraints. Try fewer.")
    if base:
        said.append(
            f"A constant of {base:.4g} was taken off all spectra. Where no channel is free of signal this is too much."
        )
    return said


def bands_of(
    spectra: np.ndarray, components: np.ndarray, noise: float, closure: bool, known: int, base: float
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Bands around the components of a table: arrays for `state_`, and for `info_` the ambiguity of each and a sentence."""
    if (components < 0).any():
        return {}, _no_bands("Bands of feasible solutions are not computed for signed components.")
    if len(components) > MOST:  # before any abundance is solved for: that is the long part
        return {}, _no_bands(too_many(len(components)))
    try:
        amounts, _ = encode_resolved(components, closure, "gaussian", base, spectra)
    except CubeError:
        return {}, _no_bands("Bands of feasible solutions are not computed: a component is a mixture of the others.")
    amounts = amounts[np.isfinite(amounts).all(1)]
    if not len(amounts):
        return {}, _no_bands("Bands of feasible solutions are not computed: no spectrum tells the components apart.")
    bands = feasible_bands(amounts, components, noise=noise, closure=closure, known=known)
    if np.isnan(bands.ambiguity).any():
        return {}, _no_bands(bands.sentence)
    worst = float(bands.ambiguity.max())
    warning = (
        f"The components are not unique: one can take {worst:.0%} more or less of the signal, and the fit is as good "
        "(rotational ambiguity; the report draws the bands). Try closure, known spectra or min_volume, or purer samples."
    )
    about = {"ambiguity": bands.ambiguity.tolist(), "sentence": bands.sentence}
    arrays = {"bands_lower": bands.lower, "bands_upper": bands.upper, "bands_spectra": bands.spectra}
    return arrays, about | {"warning": warning if worst > AMBIGUOUS else ""}


def _no_bands(why: str) -> dict[str, Any]:
    return {"ambiguity": None, "sentence": why, "warning": ""}
