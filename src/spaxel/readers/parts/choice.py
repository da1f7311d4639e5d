"""Which of several arrays of a file holds the spectra: what the file says, else how many channels, how large, what name.

An array is ranked by its level; the only one of the highest level is taken:

    5, 6  the file itself calls it the spectra (NXdata, a convention; 6 if it says so of one array only)
    4     an image of more than 4 channels, or a matrix with one row for each pixel of an image whose size is known
    3     a matrix with a side as long as a spectral axis, or an array of more than three axes      2  any other matrix
    1     an image of at most 4 channels: a photograph, a preview
    0     what its name or shape makes something else: a mask, errors, a map beside the cube, distances, abundances

Of several at one level, one is the clear winner if an axis of the file fits it alone, if it has 3 times as many channels as all
others (abundances, principal components), if it is 3 times as large a matrix with the same channels (runs beside them all), or
if the others are the same image made smaller by a whole factor (a pyramid). Else they stand equal, and the user has to say.
"""

from __future__ import annotations

import re
from math import prod
from pathlib import Path
from typing import NamedTuple

from spaxel.errors import ReadError
from spaxel.readers.parts.lazy import guess_channel_axis
from spaxel.readers.parts.noise import kind_of
from spaxel.readers.parts.truth import is_truth
from spaxel.readers.parts.variables import Variable, Variables, describe, name_of, pick

CLEAR = 3  # times as many channels, or values, make a clear winner
PICTURE = 4  # channels that a photograph has at most
_BESIDE = re.compile(
    r"(^|[_\W\d])(masks?|valid|quality|qa|flags?|dq|bpm|errs?|errors?|std|sigma|stdev|var|variance|ivar|unc|uncert\w*|noise|"
    r"weights?|sat|saturat\w*|dead|lats?|latitude|lons?|longitude|elev|glt|geo\w*|dists?|distances?|dist_?mat\w*|kernel|affinity|"
    r"adjacency|similarity|cov|corr|preview|thumb\w*|thumbnail|rgb|quick_?look|white\w*|dark\w*|background|bkg|flat\w*|"
    r"ref(erence)?s?|proj|pan|pca|pcs?|scores?|loadings?|index|indices|coords?|position\w*|time|rotation|psf|exposure|abundances?|"
    r"endmembers?|resid\w*|model|fit)($|[_\W\d])",
    re.IGNORECASE,
)


class Candidate(NamedTuple):
    """An array that could hold the spectra: its name, level, number of channels as far as it can be told, and shape."""

    name: str
    level: float
    channels: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def choose_spectra(
    path: Path, variables: Variables, dataset: str | None, size: tuple[int, int] | None, lengths: set[int]
) -> tuple[str, list[str], list[str]]:
    """(the array of spectra: the one asked for, or the clear winner; sentences for the history; guesses).

    size : (height, width) if known     lengths : of the known spectral axes
    Raises NotFound, ReadError: none, or several that stand equal, with their shapes and types.
    """
    if dataset is not None:
        pick(path, variables, dataset)
        return name_of(variables, dataset), [], []
    found = candidates(variables, size, lengths)
    if not found:
        raise ReadError(f"{path} holds no array that can be spectra. It holds: {describe(variables)}. Try dataset=…")
    top = [c for c in found if int(c.level) == int(found[0].level)]
    winner, why = clear_winner(top)
    if winner is None:
        equal = describe({c.name: variables[c.name] for c in top})
        raise ReadError(f"{path} holds several arrays that could be the spectra: {equal}. Try dataset=… with one.")
    others = [c.name for c in found if c.name != winner.name and c.level >= 1]
    told = variables[winner.name].told
    because = f" ({told})" if told else ""
    rest = f"; not taken: {describe({n: variables[n] for n in others})}" if others else ""
    sentence = f"the spectra are {winner.name} {winner.shape}{because}{rest}; option dataset decides"
    if why:
        return (
            winner.name,
            [],
            [f"{path.name}: took {winner.name} {winner.shape}, {why}{rest}. Option dataset decides."],
        )
    return winner.name, [sentence] if others or told else [], []


def candidates(variables: Variables, size: tuple[int, int] | None, lengths: set[int]) -> list[Candidate]:
    """All arrays that could be spectra, the highest level first."""
    usable = {n: v for n, v in variables.items() if v.is_numeric and not is_truth(n, often=False) and "@" not in n}
    arrays = {n: v for n, v in usable.items() if sum(side > 1 for side in v.shape) >= 2 or len(v.shape) == 3}
    if not arrays:  # a single row of numbers can be one spectrum
        arrays = {n: v for n, v in usable.items() if len(usable) == len([m for m in variables if "@" not in m]) == 1}
    images = [kept_shape(v) for v in arrays.values() if len(kept_shape(v)) == 3]
    largest = max((v.size for n, v in arrays.items() if not is_truth(n)), default=0)
    found = []
    for name, variable in arrays.items():
        level, channels = _level(variable, size, lengths, images)
        doubtful = is_truth(name) and variable.size < largest
        if level and not variable.told and (doubtful or _is_beside(name, variable, arrays)):
            level = 0
        found.append(Candidate(name, level, channels, variable.shape))
    return sorted(found, key=lambda c: -c.level)


def clear_winner(top: list[Candidate]) -> tuple[Candidate | None, str]:
    """(the one of several at one level that is meant, why it was guessed) or (None, '')."""
    if len(top) == 1:
        return top[0], ""
    fitting = [c for c in top if c.level != int(c.level)]
    if len(fitting) == 1:
        return fitting[0], "which alone is as long as a spectral axis of the file"
    first, *others = sorted(top, key=lambda c: (-c.channels, -c.size))
    rivals = [c for c in others if CLEAR * c.channels > first.channels]
    if CLEAR * first.size < max(c.size for c in others) or any(c.channels != first.channels for c in rivals):
        return None, ""
    if not rivals:
        return first, f"which has {first.channels} channels, and the others at most {others[0].channels}"
    if len(first.shape) == 2 and all(first.size >= CLEAR * c.size for c in rivals):
        return first, "the largest matrix with so many channels"
    if all(_is_smaller(first.shape, c.shape) for c in rivals):
        return first, "the largest of a pyramid"
    return None, ""


def kept_shape(variable: Variable) -> tuple[int, ...]:
    """The shape without axes of length 1 beyond three."""
    sides = list(variable.shape)
    while len(sides) > 3 and 1 in sides:
        sides.remove(1)
    return tuple(sides)


def _level(
    variable: Variable, size: tuple[int, int] | None, lengths: set[int], images: list[tuple[int, ...]]
) -> tuple[float, int]:
    """The level of an array by its shape, .5 more if a spectral axis fits it, and its number of channels."""
    shape = kept_shape(variable)
    known = None if variable.spectral is None else variable.shape[variable.spectral]
    if variable.told:
        return 4.0 + variable.sure, known or shape[-1]
    fits = sorted(lengths & set(shape))
    if len(shape) == 3:
        if known is not None:
            channels = known
        elif variable.dtype.kind == "u" and variable.dtype.itemsize == 1 and shape[-1] in (3, 4):
            return 1.0, shape[-1]
        elif size and (rest := _without(shape, size)) is not None:
            channels = rest
        else:
            channels = fits[0] if len(fits) == 1 else shape[guess_channel_axis(shape, lengths)[0]]
        return (1.0 if channels <= PICTURE else 4.5 if channels in lengths else 4.0), channels
    if len(shape) != 2:
        return (3.5, known or shape[-1]) if len(shape) > 3 else (1.0, prod(shape))
    if any(set(shape) <= set(image) and _without(image, shape) for image in images):
        return 0.0, 0  # a map of the pixels of an image
    pixels = size[0] * size[1] if size else None
    if pixels in shape and shape != (pixels, pixels):
        channels = shape[1 - shape.index(pixels)]
        return (4.0 if channels > PICTURE else 1.0), channels
    return (3.0, fits[0]) if fits else (2.0, shape[1])


def _without(shape: tuple[int, ...], pair: tuple[int, ...]) -> int | None:
    """The side of a shape that is left when two are taken away; None if they are not among them."""
    left = list(shape)
    for side in pair:
        if side not in left:
            return None
        left.remove(side)
    return left[0] if len(left) == 1 else None


def _is_beside(name: str, variable: Variable, arrays: Variables) -> bool:
    """Whether a name or a shape tells that an array is beside the spectra: a mask, errors, distances between its rows."""
    if len(arrays) == 1:
        return False
    last = name.rpartition("/")[2].rpartition(".")[2]
    if variable.dtype.kind == "b" or _BESIDE.search(last) or kind_of(last):
        return True
    square = len(variable.shape) == 2 and variable.shape[0] == variable.shape[1]
    rows = {v.shape[0] for n, v in arrays.items() if n != name and len(v.shape) == 2 and v.shape[0] != v.shape[1]}
    return square and variable.shape[0] in rows


def _is_smaller(large: tuple[int, ...], small: tuple[int, ...]) -> bool:
    """Whether a shape is that of the same image made smaller by a whole factor along exactly two of its sides."""
    if len(large) != 3 or len(small) != 3:
        return False
    sides = [(a, b) for a, b in zip(large, small, strict=True) if a != b]
    return len(sides) == 2 and any(all(b in (a // f, -(-a // f)) for a, b in sides) for f in range(2, max(large) + 1))
