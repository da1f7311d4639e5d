"""MCR of a table under constraints: which are asked for, the factorisation that keeps them, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.linear.constrained.checks import Conditions
from spaxel.linear.constrained.factorise import Constrained, Search, constrain
from spaxel.linear.constrained.missing import filled_with_noise, pedestal, rank_of_holes
from spaxel.linear.sparse.factorise import factorise
from spaxel.linear.sparse.report import Factors
from spaxel.methods.contract import check_same_axis, prepare
from spaxel.methods.mcr.evening import Even
from spaxel.methods.mixtures.base import Unmixed
from spaxel.readers import open_cube
from spaxel.store.run_folder import is_run, read_result


class Constraints(NamedTuple):
    """What is asked of a table, by the parameters of MCR.

    known : spectra (m, channel)      zeros : (n or runs, k) bool, False where a component is known to be absent
    """

    closure: bool = False
    unimodal: bool = False
    known: np.ndarray | None = None
    loss: str = "gaussian"
    min_volume: float = 0.0
    robust: bool = False
    pedestal: bool = False
    missing: bool = False
    zeros: np.ndarray | None = None
    trilinear: bool = False

    def any(self) -> bool:
        """Whether one of them, missing values apart, is asked for."""
        given = self.known is not None or self.zeros is not None
        return given or self._replace(known=None, zeros=None, missing=False) != Constraints()


NONE = Constraints()
STRAINED = 1.1  # times the noise that constraints may leave in a large table; 1.00 to 1.01 where they are true


class How(NamedTuple):
    """How a table is factorised.

    runs : (n,) of each sample, or None; samples of a run lie in order of time      even : weights by a known noise, or None
    """

    runs: np.ndarray | None = None
    even: Even | None = None
    signed: bool = False
    seed: int = 0


class Resolved(NamedTuple):
    """found : the factorisation      counted : what the count rests on      base : the pedestal, taken off
    strain : what is left over what as many components leave that keep to nothing, both in noise; 1 where that was not looked at
    """

    found: Constrained
    counted: Factors
    base: float
    strain: float = 1.0


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


def _everywhere(zeros: np.ndarray, n: int, runs: np.ndarray | None, k: int) -> np.ndarray:
    """Where components may be, of each spectrum and all k components: (n, k)."""
    count = 1 if runs is None else len(np.unique(runs))
    if len(zeros) not in (n, count):
        raise ParameterError(f"zeros have {len(zeros)} rows, expected one per spectrum ({n}) or per file ({count}).")
    rows = zeros if len(zeros) == n else zeros[np.unique(np.zeros(n) if runs is None else runs, return_inverse=True)[1]]
    return np.hstack([rows, np.ones((n, k - zeros.shape[1]), bool)])


def constrained_table(spectra: np.ndarray, number: int | None, asked: Constraints, how: How) -> Unmixed:
    """The components of a table (n, channel), NaN = missing, under constraints. Arguments as of `resolve`."""
    columns = 0 if asked.zeros is None else asked.zeros.shape[1]
    if number is not None and number < columns:
        raise ParameterError(f"zeros have {columns} columns, and n_components is {number}. Try a column per component.")
    number = (columns or None) if number is None else min(number, *spectra.shape)
    how = how if asked.loss == "gaussian" else how._replace(even=None)  # counts have the noise of counts
    found, counted, base, strain = resolve(spectra, number, asked, how)
    used = found.components.any(1) & (np.nan_to_num(found.concentrations) > 0).any(0)
    fixed = 0 if asked.known is None else len(asked.known)
    used[: max(fixed, columns)] = True
    k, junk = int(used.sum()), np.nonzero(found.sample_weights == 0)[0].tolist()
    info = _info(found, counted, number, k) | {"pedestal": base, "known": fixed, "junk": junk}
    arrays = {"profiles": found.concentrations[:, used]} | ({} if how.runs is None else {"runs": how.runs})
    if how.even is not None:
        arrays, info = arrays | {"channel_weight": how.even.channel}, info | {"noise_for": ["weights", "abundances"]}
    said = [*_warnings(found, k, junk, base), *_strained(strain, spectra.size, asked)]
    return Unmixed(found.components[used], info | {"strain": strain}, said, arrays)


def resolve(spectra: np.ndarray, number: int | None, asked: Constraints, how: How) -> Resolved:
    """Factorise a table (n, channel), NaN = missing, under constraints. number : None = the usual count.

    With `robust`, components that are seen in one sample
    only are not counted: these are outliers.
    """
    base = pedestal(spectra) if asked.pedestal else 0.0
    x = np.maximum(spectra - base, 0) if asked.loss == "poisson" else spectra - base
    even = how.even or Even(np.ones(x.shape[1]), np.ones(len(x)))
    counted = _counted(x * even.channel * even.row[:, None], number, signed=how.signed, seed=how.seed)
    k = number or max(1, counted.n_confirmed if asked.robust else counted.n)
    k = max(k, 0 if asked.known is None else len(asked.known))
    start = counted.components / even.channel if len(counted.components) == k else None
    allowed = None if asked.zeros is None else _everywhere(asked.zeros, len(x), how.runs, k)
    conditions = Conditions(
        asked.loss, asked.closure, how.runs if asked.unimodal else None, asked.known, asked.min_volume, asked.robust,
        how.signed, allowed, how.runs if asked.trilinear else None,
    )  # fmt: skip
    weights = None if how.even is None else (even.channel * even.row[:, None]) ** 2
    found = constrain(x, k, conditions, weights=weights, search=Search(start, how.seed))
    looked = bool(_shapes(asked)) and asked.loss == "gaussian" and not (asked.robust or np.isnan(x).any())
    strain = _strain(x * even.channel * even.row[:, None], found.noise, k) if looked else 1.0
    return Resolved(found, counted, base, strain)


def _shapes(asked: Constraints) -> list[str]:
    """The options that say which shapes profiles have, and can be wrong."""
    given = (("--unimodal", asked.unimodal), ("--trilinear", asked.trilinear), ("--zeros", asked.zeros is not None))
    return [option for option, there in given if there]


def _strain(x: np.ndarray, noise: float, k: int) -> float:
    """The noise that was left over that of the best table of rank k, by the singular values of x (n, channel)."""
    n, d = x.shape
    powers = np.linalg.eigvalsh(x @ x.T if n <= d else x.T @ x)[::-1]
    rest, free = float(np.maximum(powers[k:], 0).sum()), (n - k) * (d - k)
    least = 1e-12 * float(powers[0])  # what rounding leaves of a table without noise
    return float(np.sqrt(max(noise**2 * free, least) / max(rest, least))) if free > 0 else 1.0


def _strained(strain: float, entries: int, asked: Constraints) -> list[str]:
    """The warning that what was asked does not hold, where it leaves more than the noise of a table of so many entries."""
    if strain <= STRAINED + 3 / np.sqrt(2 * entries):
        return []
    options = _shapes(asked)
    tries = ["without it" if len(options) == 1 else "without one of them"]
    tries += ["fewer zeros"] * ("--zeros" in options) + ["runs at the same retention times"] * (
        "--trilinear" in options
    )
    return [
        f"These spectra do not keep to {' and '.join(options)}: what is left is {strain:.1f} times the noise. "
        f"Try {', or '.join(tries)}."
    ]


def _counted(x: np.ndarray, number: int | None, *, signed: bool, seed: int) -> Factors:
    """The usual factorisation of the table, holes filled at the rank that best predicts what is known."""
    table = x
    if np.isnan(x).any():
        table = filled_with_noise(x, number or rank_of_holes(x, seed=seed), seed)
    table = table if signed else np.maximum(table, 0)
    return factorise(table[table.any(1)], number, signed=signed, seed=seed)


def _info(found: Constrained, counted: Factors, number: int | None, k: int) -> dict[str, Any]:
    """What `info_` says of a constrained factorisation."""
    how = (
        "as asked"
        if number is not None
        else f"as the table is counted without constraints (its edge says {counted.n_edge})"
    )
    sentence = f"{k} components, {how}; under the constraints they explain {found.explained:.4f} of the variance."
    return {
        "kind": "table",
        "constrained": True,
        "sentence": sentence if number is not None else sentence + " Option n_components decides.",
        "normalisation": "raw",
        "noise": [found.noise, 0.0, 1.0],
        "explained": found.explained,
        "evidence": {"edge": counted.n_edge, "confirmed": counted.n_confirmed, "rounds": len(found.objective)},
    }


def _warnings(found: Constrained, k: int, junk: list[int], base: float) -> list[str]:
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
