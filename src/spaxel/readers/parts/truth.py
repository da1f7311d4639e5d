"""Ground truth beside spectra: which variable is a label image, which are abundances, which pure spectra."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ReadError
from spaxel.readers.parts.side import lookup, truth_file, variables_of
from spaxel.readers.parts.variables import Variables, describe

ALWAYS_TRUTH = re.compile(r"(^|_)(gt|ground_?truth|truth|labels?)($|_)", re.IGNORECASE)
_OFTEN_TRUTH = re.compile(r"(^|_)(map|classes|abundances?|endmembers?|cood)($|_)|^(?-i:[SCAME])$", re.IGNORECASE)


class Image(NamedTuple):
    """Sizes of the cube that the truth belongs to, and in which order a list of pixels was folded ("C" or "F")."""

    height: int
    width: int
    n_channels: int
    pixel_order: str

    def fold(self, rows: Any) -> Any:
        """(pixel, k) -> (y, x, k), for NumPy and Dask."""
        if self.pixel_order == "C":
            return rows.reshape(self.height, self.width, rows.shape[1])
        return rows.reshape(self.width, self.height, rows.shape[1]).transpose(1, 0, 2)


def is_truth(name: str, *, often: bool = True) -> bool:
    """Whether a variable of this name is truth; often=False: only names that are never spectra (gt, labels …)."""
    last = name.rpartition("/")[2]
    return ALWAYS_TRUTH.search(last) is not None or (often and _OFTEN_TRUTH.search(last) is not None)


def find_truth(
    path: Path, variables: Variables, spectra: str, image: Image, truth: str | None, background: int | str | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Truth for a cube: (arguments truth_* of make_cube, sentences for its history).

    truth      : variables or files, separated by commas ("S,C", "Scene_gt.mat", "a.mat:map"); "none" for no truth;
                 None looks for names such as gt, labels, map, S, C in this file, and for Scene_gt.mat beside it
    background : the label that means unlabelled; "none" if all are classes; None: 0, in an image named …gt that has
                 more than two values
    Raises NotFound, or ReadError if what `truth` names fits the cube in no way.
    """
    if truth == "none":
        return {}, []
    found, history = {}, []
    for origin, values in _candidates(path, variables, spectra, truth):
        kind, arranged = _classify(np.asarray(values), image)
        if not kind or kind in found:
            continue
        sentence = f"{kind} from {origin}"
        if kind == "truth_labels":
            arranged, told = _labels(arranged, origin, background)
            sentence += told
        found[kind] = arranged
        history.append(sentence)
    if truth is not None and not found:
        sizes = f"{image.height} x {image.width} pixels and {image.n_channels} channels"
        raise ReadError(f"truth={truth!r} does not fit the {sizes} of {path}. Try one of: {describe(variables)}.")
    return found, history


def _candidates(path: Path, variables: Variables, spectra: str, truth: str | None) -> list[tuple[str, np.ndarray]]:
    if truth is not None:
        chosen = [lookup(path, variables, part.strip()) for part in truth.split(",")]
    else:
        largest = variables[spectra].size
        named = {n: v for n, v in variables.items() if n != spectra and is_truth(n) and v.size < largest}
        chosen = [(path.name, named)]
        if beside := truth_file(path):
            chosen.append((beside.name, variables_of(beside)))
    return [
        (origin if name in origin else f"{name} in {origin}", variable.read())
        for origin, group in chosen
        for name, variable in group.items()
        if variable.is_numeric and variable.shape
    ]


def _classify(values: np.ndarray, image: Image) -> tuple[str, np.ndarray]:
    height, width, n_channels, _ = image
    pixels, shape = height * width, values.shape
    if shape == (height, width):
        return ("truth_labels", values) if _is_whole(values) else ("", values)
    if values.size == pixels and max(shape) == pixels:
        return ("truth_labels", image.fold(values.reshape(-1, 1))[..., 0]) if _is_whole(values) else ("", values)
    if len(shape) == 3 and shape[:2] == (height, width):
        return "truth_abundances", values
    if len(shape) == 3 and shape[1:] == (height, width):
        return "truth_abundances", np.moveaxis(values, 0, -1)
    if len(shape) != 2:
        return "", values
    if n_channels in shape:
        return "truth_spectra", values if shape[1] == n_channels else values.T
    if pixels in shape:
        return "truth_abundances", image.fold(np.ascontiguousarray(values if shape[0] == pixels else values.T))
    return "", values


def _labels(values: np.ndarray, origin: str, background: int | str | None) -> tuple[np.ndarray, str]:
    present = np.unique(values)
    if background is None:
        named = re.search(r"(^|[_.\s])(gt|ground_?truth)($|[_.\s])", origin, re.IGNORECASE)
        background = 0 if named and len(present) > 2 and present[0] == 0 else "none"
    if background == "none":
        return values.astype(np.int32), f": {len(present)} labels, all kept as classes; option truth_background decides"
    nothing, labels = int(background), values.astype(np.int32)
    above = labels > nothing
    labels = np.where(labels == nothing, -1, labels - (above & (nothing >= 0)))
    told = f": label {nothing} taken as unlabelled (-1), those above it lowered by one; option truth_background decides"
    return labels.astype(np.int32), told


def _is_whole(values: np.ndarray) -> bool:
    if values.dtype.kind in "biu":
        return True
    return bool(np.isfinite(values).all() and (values == np.round(values)).all())
