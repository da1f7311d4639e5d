"""What the instrument did to a table: which errors are taken off where that is asked, and which are named where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ParameterError
from spaxel.linear.count.edge import edge
from spaxel.linear.count.knee import knee, shares_noise
from spaxel.linear.noise import eigenvalues
from spaxel.linear.sparse.factorise import choose_weights
from spaxel.linear.sparse.report import Factors
from spaxel.linear.systematic.diagnosis import systematic_error
from spaxel.linear.systematic.fitting import taken_off, without_errors
from spaxel.linear.systematic.kinds import Kinds
from spaxel.linear.systematic.number import least_number, white_number

WORDS = {
    "drift": ("a drifting baseline", "baseline", "--baseline"),
    "gain": ("a gain that varies along the axis (scatter or tilt)", "msc", "--msc"),
    "moves": ("bands that are shifted or widened from spectrum to spectrum", "align", "--align"),
    "coloured": ("noise that neighbouring channels share", "noise", "--noise coloured"),
}


class Instrument(NamedTuple):
    """kinds : errors that are taken off      coloured : whether neighbouring channels share their noise."""

    kinds: Kinds = Kinds()
    coloured: bool = False


PERFECT = Instrument()
LEAST = 8  # channels


class Corrected(NamedTuple):
    """table : (n, channel) without errors      number : of components beside them, None = as usual      about : for `info_`."""

    table: np.ndarray
    number: int | None
    about: dict[str, Any]


def corrected(spectra: np.ndarray, number: int | None, instrument: Instrument) -> Corrected:
    """A table (n, channel) without errors of the instrument, and the number of components beside them, unless it is given.

    The number stays open where channels share their noise and this is not made white: the table is then counted as usual.
    Raises ParameterError for missing values, which have to be completed before.
    """
    if np.isnan(spectra).any():
        raise ParameterError("baseline, msc, align and noise need whole spectra. Try missing='complete' or 'drop'.")
    kinds, coloured = instrument
    if spectra.shape[1] < LEAST:
        raise ParameterError(f"baseline, msc, align and noise need at least {LEAST} channels. Try without them.")
    lit: np.ndarray = np.asarray(spectra.any(1))
    if lit.sum() < 3:
        raise ParameterError("baseline, msc, align and noise need at least 3 spectra. Try without them.")
    weights, found = choose_weights(spectra[lit], None)
    Y, k, asked = weights.apply(spectra[lit]), number, number is not None
    if k is None and shares_noise(Y, found) and not coloured:
        k = knee(spectra[lit]).n
    elif k is None:
        k = number = _number(Y, found.n, kinds, coloured=coloured)
    table, taken = spectra.copy(), 0.0
    if any(kinds):
        fit = without_errors(Y, k, kinds)
        table[lit] = fit.table / weights.row[:, None]
        taken = float(np.sqrt((fit.taken**2).sum() / (Y**2).sum()))
    named = [WORDS[name] for name in _names(instrument)]
    about = {"errors": [one[1] for one in named], "taken": taken, "edge_before": found.n, "asked": asked}
    return Corrected(table, number, {"instrument": about})


def _number(Y: np.ndarray, most: int, kinds: Kinds, *, coloured: bool) -> int:
    """The number of components beside all of these errors."""
    if not coloured:
        return max(1, least_number(Y, most, kinds))
    if not any(kinds):
        return max(1, white_number(Y, most))
    k = most
    while k > 1 and (new := white_number(without_errors(Y, k, kinds).table, k)) < k:
        k = new
    return max(1, k)


def sentence_beside(number: int, explained: float, about: dict[str, Any]) -> str:
    """The sentence of a table beside whose components errors were found. about : as `corrected` says in "instrument"."""
    what = " and ".join(words for words, option, _ in WORDS.values() if option in about["errors"])
    taken = f" ({about['taken']:.1%} of the signal was taken off)" if about["taken"] else ""
    asked = ", as asked," if about["asked"] else ""
    return (
        f"{_components(number)}{asked} beside {what}{taken}; without regard to this {about['edge_before']} factors stand above "
        f"the noise. Explained {explained:.4f} of the variance. Option n_components decides."
    )


def doubted(table: np.ndarray, found: Factors) -> dict[str, Any]:
    """What `info_` says if a systematic error explains a part of the components that were found: a sentence; else nothing."""
    if found.knee is not None or not found.n_edge:
        return {}
    Y = found.weights.apply(table)
    error = systematic_error(Y, found.n_edge, edge(eigenvalues(Y), *Y.shape).noise)
    if error is None or error.number >= found.n:
        return {}
    what, name, option = WORDS[error.name]
    counted = max(error.counted, found.n)
    sentence = (
        f"Probably {_components(error.number)} and {what}: {counted} factors stand above the noise, and {error.number} when "
        f"account is taken of it. Try {option}."
        if error.clear
        else f"Doubtful: {counted} factors stand above the noise, and {error.number} when account is taken of {what}; but some "
        f"are so weak that components may be taken for it, or hide. Compare with {option}."
    )
    about = {"error": error.name, "option": name, "number": error.number, "clear": error.clear}
    return {"systematic": about, "sentence": sentence}


def _components(number: int) -> str:
    return "1 component" if number == 1 else f"{number} components"


def _names(instrument: Instrument) -> list[str]:
    named = zip(("drift", "gain", "moves", "coloured"), (*instrument.kinds, instrument.coloured), strict=True)
    return [name for name, asked in named if asked]


def encode_without_errors(
    encode: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], components: np.ndarray, kinds: Kinds, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Abundances of new spectra (n, channel) less what errors of these kinds added, and what both explain."""
    holes = ~np.isfinite(x).all(1)
    taken = np.zeros_like(x)
    taken[~holes] = taken_off(x[~holes], components, kinds)
    amounts, explained = encode(x - taken)
    return amounts, explained + taken
