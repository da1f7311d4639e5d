"""Named arrays inside a file (MATLAB, HDF5, npz) as one kind of thing: name -> Variable, known but not yet read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from spaxel.errors import CubeError, NotFound, ReadError
from spaxel.readers.parts.lazy import FileArray

_MATLAB = {"double": "f8", "single": "f4", "logical": "?", "char": "U1"} | {
    f"{sign}int{bits}": f"{sign or 'i'}{bits // 8}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_ENDS = (MatReadError, zlib.error, zipfile.BadZipFile, ValueError, TypeError, KeyError, IndexError, EOFError, OSError)


@dataclass(frozen=True)
class Variable:
    """An array in a file.

    shape, dtype : as the file's own language shows them     read : loads all of it
    source : array-like that reads slices, None if the format cannot     chunks : of the storage, or None
    units : what the file says     scales : axis number -> name of the variable that numbers it
    problem : why it cannot be a cube or an axis, '' if it can
    attrs : further attributes that the file gives it (see spaxel.readers.parts.stored.from_attributes)
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]
    source: Any = None
    chunks: tuple[int, ...] | None = None
    units: str | None = None
    scales: Mapping[int, str] = field(default_factory=dict)
    problem: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers, complex ones included."""
        return not self.problem and self.dtype.kind in "biufc"

    @property
    def is_vector(self) -> bool:
        """Whether all but one axis have length 1."""
        return not self.shape or max(self.shape) == self.size

    @property
    def size(self) -> int:
        """How many numbers it holds, exactly."""
        return prod(self.shape)

    def vector(self) -> np.ndarray:
        """All its values in one row."""
        return np.ravel(self.read())


Variables = dict[str, Variable]


def describe(variables: Variables) -> str:
    """What a file holds, for an error message: 'a (3, 4) int16, b (5,) float64'."""
    shown = [
        f"{name} {tuple(v.shape)} {v.problem or v.dtype}".replace("()", "scalar")
        for name, v in list(variables.items())[:20]
    ]
    return ", ".join(shown) + (f" and {len(variables) - 20} more" if len(variables) > 20 else "") or "nothing"


def pick(path: Path, variables: Variables, name: str) -> Variable:
    """The variable of this name; NotFound with what the file holds, ReadError if it cannot be read as numbers."""
    found = variables.get(name) or variables.get(name.strip("/"))
    if found is None:
        raise NotFound(f"{path} has no dataset {name!r}. It holds: {describe(variables)}.")
    if found.problem:
        raise ReadError(f"{path}: {name} cannot be read: {found.problem}. Try another dataset: {describe(variables)}.")
    return found


def matlab_variables(path: Path) -> Variables:
    """The variables of a MATLAB 5 file (any up to version 7.2)."""
    try:
        listed = scipy.io.whosmat(str(path))
    except (*_ENDS, NotImplementedError) as error:
        raise _damaged(path, "MATLAB", error) from error
    return {name: _matlab_variable(path, name, tuple(map(int, shape)), kind) for name, shape, kind in listed}


def _matlab_variable(path: Path, name: str, shape: tuple[int, ...], kind: str) -> Variable:
    def read() -> np.ndarray:
        try:
            value = scipy.io.loadmat(str(path), variable_names=[name])[name]
        except _ENDS as error:
            raise _damaged(path, f"MATLAB variable {name}", error) from error
        if not isinstance(value, np.ndarray) or (value.shape != shape and value.dtype.kind != "U"):
            raise ReadError(
                f"{path}: {name} is not the array of shape {shape} that the file announces. Is it complete?"
            )
        return value

    problem = "" if kind in _MATLAB else f"a MATLAB {kind}, not an array of numbers"
    return Variable(shape, np.dtype(_MATLAB.get(kind, "O")), read, problem=problem)


def npz_variables(path: Path) -> Variables:
    """The arrays of an npz file; those that would need pickle carry it as their problem."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {i.filename.removesuffix(".npy"): _npz_variable(path, archive, i) for i in archive.infolist()}
    except (*_ENDS, RuntimeError) as error:
        if isinstance(error, (ReadError, CubeError)):
            raise
        raise _damaged(path, "npz", error) from error


def _npz_variable(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Variable:
    name = info.filename.removesuffix(".npy")

    def read() -> np.ndarray:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return arrays[name]
        except _ENDS as error:
            raise _damaged(path, f"npz array {name}", error) from error

    with archive.open(info) as file:
        shape, _, dtype = npy_header(path, file)
        needed = file.tell() + prod(shape) * dtype.itemsize
    problem = dtype_problem(dtype)
    if not problem and info.file_size < needed:
        problem = f"truncated, it has {info.file_size} bytes and {needed} are needed"
    return Variable(shape, dtype, read, problem=problem)


def npy_variable(path: Path) -> Variable:
    """The array of an npy file, mapped lazily; ReadError if it is truncated or holds Python objects."""
    with path.open("rb") as file:
        shape, fortran, dtype = npy_header(path, file)
        offset = file.tell()
    if problem := dtype_problem(dtype):
        raise CubeError(f"{path} cannot be read: {problem}. Try to save it again as an array of numbers.")
    source = FileArray(path, dtype, shape, offset, "F" if fortran else "C").check_size()
    return Variable(shape, dtype, lambda: source[...], source=source)


def npy_header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype at the start of an npy stream; ReadError if it is damaged."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (*_ENDS, SyntaxError, TokenError, RecursionError) as error:
        raise _damaged(path, "npy header", error) from error
    return tuple(map(int, shape)), fortran, dtype


def dtype_problem(dtype: np.dtype) -> str:
    """Why this dtype can never hold numbers or text, '' if it can."""
    if dtype.hasobject:
        return "it holds Python objects (pickle), which spaxel never loads"
    return "it is a table of several columns (a compound type)" if dtype.names else ""


def _damaged(path: Path, what: str, error: Exception) -> ReadError:
    return ReadError(f"{path} cannot be read as {what}: {error}. Is the file complete? Try to copy it again.")
