"""Files beside a file: where a spectral axis or a ground truth lies that the spectra's own file does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from spaxel.errors import AxisError, NotFound, ReadError, called
from spaxel.readers.parts.axis import Axis, fault_of, in_order, is_spectral, numbers_in, parse_cells, settle_units
from spaxel.readers.parts.flags import is_flag
from spaxel.readers.parts.h5 import h5_variables, is_hdf5
from spaxel.readers.parts.matlab_variables import is_matlab, matlab_variables
from spaxel.readers.parts.variables import (
    Variable,
    Variables,
    describe,
    npy_variable,
    npz_variables,
    pick,
)
from spaxel.store.addresses import address_of
from spaxel.store.here import check_local

SUFFIXES = (".mat", ".npz", ".npy", ".h5", ".hdf5", ".txt", ".csv", ".dat")
MOST_VALUES = 2**24  # of an axis; a row that is longer is none, and is not read
_AXIS_FILE = re.compile(r"wave|lambda|(^|_)wl|raman|shift|energ|axis|wn", re.IGNORECASE)


def variables_of(path: Path) -> Variables:
    """The named arrays of any file that can lie beside spectra: MATLAB, HDF5, npz, npy, or a text of numbers.

    Raises NotFound, or ReadError if the file is of none of these kinds.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}. Try an absolute path.")
    with path.open("rb") as file:
        head = file.read(2056)
    if is_matlab(head):
        return h5_variables(path, matlab=True) if is_hdf5(head) else matlab_variables(path)
    if is_hdf5(head):
        return h5_variables(path)
    if head.startswith(b"PK\x03\x04"):
        return npz_variables(path)
    if head.startswith(b"\x93NUMPY"):
        return {path.stem: npy_variable(path)}
    try:
        values = numbers_in(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise ReadError(f"{path} holds more than numbers: {error}. Try a MATLAB, HDF5, npy or npz file.") from error
    return {path.stem: Variable(values.shape, values.dtype, lambda: values)}


def lookup(path: Path, variables: Variables, wanted: str) -> tuple[str, Variables]:
    """What `wanted` names: (its origin in words, the variables meant).

    wanted : a variable of this file, a file (relative to here, or to the folder of `path`), or "file:variable"
    """
    if wanted in variables:
        return f"{wanted} in {path.name}", {wanted: pick(path, variables, wanted)}
    if address_of(wanted):
        return called(wanted), variables_of(check_local(wanted))
    for text, inside in ((wanted, None), wanted.rpartition(":")[::2]):
        for folder in (Path(), path.parent):
            if text and (folder / text).is_file():
                found = variables_of(folder / text)
                if inside is None:
                    return Path(text).name, found
                return f"{inside} in {Path(text).name}", {inside: pick(folder / text, found, inside)}
    held = ", ".join(variables) or "nothing"
    raise NotFound(f"{path} holds no variable {wanted!r} (it holds {held}), and there is no file of that name either.")


def axis_files(path: Path) -> Iterator[tuple[Path, Variables]]:
    """Files in the same folder with the name of a spectral axis, and their variables; damaged ones are left out."""
    for beside in sorted(path.parent.iterdir()):
        if beside != path and beside.suffix.lower() in SUFFIXES and _AXIS_FILE.search(beside.stem):
            try:
                yield beside, variables_of(beside)
            except (ReadError, ValueError):
                continue


def truth_file(path: Path) -> Path | None:
    """The ground truth beside a file, by its name: Scene.mat or Scene_corrected.mat -> Scene_gt.mat."""
    stems = {path.stem.lower(), re.sub(r"[_-](corrected|data|hsi|img)$", "", path.stem.lower())}
    for beside in sorted(path.parent.iterdir()):
        if beside.suffix.lower() in SUFFIXES[:5] and beside.stem.lower() in {f"{stem}_gt" for stem in stems}:
            return beside
    return None


def spectral_axes(path: Path, variables: Variables, channel: str | Sequence[float] | None) -> list[Axis]:
    """Spectral axes that the user named, or else that the file holds, or else that lie beside it; may be [].

    channel : values, a variable, a file, "file:variable", "index" for none, or None to look by name
    """
    if channel is None:
        inside = [as_axis(n, v, n) for n, v in variables.items() if is_spectral(n) and not is_flag(n)]
        return [axis for axis in inside if axis] or list(_beside(path))
    if not isinstance(channel, str):
        return [Axis(np.asarray(channel, dtype=float), None, "the option channel", "channel")]
    if channel == "index":
        return []
    origin, meant = lookup(path, variables, channel)
    found = [axis for n, v in meant.items() if (axis := as_axis(n, v, origin))]
    if not found:
        raise AxisError(f"channel={channel!r} of {path} is no row of numbers: {describe(meant)}.")
    return found


def is_index(channel: str | Sequence[float] | None) -> bool:
    """Whether the option channel asks for numbered channels."""
    return isinstance(channel, str) and channel == "index"


def settle_axis(
    path: Path, found: Axis | None, n_channels: int, channel: str | Sequence[float] | None, units: str | None
) -> tuple[np.ndarray | None, str | None, list[str]]:
    """The axis of a file with at most one of its own: (values or None for numbered channels, unit, guesses).

    found : what the file says     channel, units : options of the user
    Raises AxisError if the option channel has another number of values; a list of the file that has, or that cannot be an axis
    (NaN, flags, a list that repeats itself), is left out. Values that turn back are sorted, doubled ones moved apart, aloud.
    """
    if is_index(channel):
        return None, "index", []
    if channel is not None:
        given = spectral_axes(path, {}, channel)
        found = next((axis for axis in given if len(axis.values) == n_channels), None)
        if found is None:
            sizes = ", ".join(str(len(axis.values)) for axis in given)
            raise AxisError(f"The option channel gives {sizes} values, and {path.name} has {n_channels} channels.")
    why = _why_numbered(found, n_channels)
    if found is None or (why and channel is None):
        sentence = f"{path.name} has {why}; its {n_channels} channels are numbered. Option channel decides."
        return None, "index", [sentence]
    axis = in_order(settle_units(found, units)) if not why else found
    return axis.values, axis.units, list(axis.guesses)


def _why_numbered(found: Axis | None, n_channels: int) -> str:
    """Why the channels are numbered, in words; '' if the axis can be used."""
    if found is None:
        return "no spectral axis"
    if found.fault:
        return f"an axis that cannot be used ({found.origin}: {found.fault})"
    if len(found.values) != n_channels:
        return f"{len(found.values)} axis values for {n_channels} channels ({found.origin})"
    fault = fault_of(found.values)
    return f"an axis that cannot be used ({found.origin}: {fault})" if fault else ""


def as_axis(name: str, variable: Variable, origin: str) -> Axis | None:
    """A variable as an axis, if it is one row of numbers or of texts such as '850 nm'."""
    if variable.problem or not variable.is_vector or not variable.shape or variable.size > MOST_VALUES:
        return None
    values = variable.read().ravel()
    if values.dtype.kind in "iuf":
        return Axis(values.astype(float), variable.units, origin, name)
    parsed = parse_cells(list(values)) if values.dtype.kind in "US" else None
    return Axis(parsed[0], parsed[1] or variable.units, origin, name) if parsed else None


def _beside(path: Path) -> Iterator[Axis]:
    for file, held in axis_files(path):
        for name, variable in held.items():
            if axis := as_axis(name, variable, f"{name} in {file.name}"):
                guess = f"{path.name} has no spectral axis; took {axis.origin}, beside it. Option channel decides."
                yield axis._replace(guesses=(guess,))
