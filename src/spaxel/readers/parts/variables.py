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
from scipy.io.matlab import MatReadError

from spaxel.errors import CubeError, NotFound, ReadError
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.limits import bomb

ENDS = (MatReadError, zlib.error, zipfile.BadZipFile, ValueError, TypeError, KeyError, IndexError, EOFError, OSError)


@dataclass(frozen=True)
class Variable:
    """An array in a file.

    shape, dtype : as the file's own language shows them     read : loads all of it
    source : array-like that reads slices, None if the format cannot     chunks : of the storage, or None
    units : what the file says     scales : axis number -> name of the variable that numbers it
    problem : why it cannot be a cube or an axis, '' if it can
    attrs : further attributes that the file gives it (see spaxel.readers.parts.stored.from_attributes)
    told, sure : why the file itself says that these are the spectra, '' if it does not; 2 if it says so of one array only
    spectral, labels : number of the axis that the file calls spectral, and the names of all axes, if it has any
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
    told: str = ""
    sure: int = 0
    spectral: int | None = None
    labels: tuple[str, ...] = ()

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
    held = [(name, v) for name, v in variables.items() if "@" not in name]
    shown = [f"{name} {tuple(v.shape)} {v.problem or v.dtype}".replace("()", "scalar") for name, v in held[:20]]
    return ", ".join(shown) + (f" and {len(held) - 20} more" if len(held) > 20 else "") or "nothing"


def name_of(variables: Variables, wanted: str) -> str:
    """The name of the variable that is meant: 'data.cube' and '/data/cube' are 'data/cube' where there is one."""
    spellings = (wanted, wanted.strip("/"), wanted.replace(".", "/"), wanted.strip("/").replace("/", "."))
    return next((name for name in spellings if name in variables), wanted)


def pick(path: Path, variables: Variables, name: str) -> Variable:
    """The variable of this name; NotFound with what the file holds, ReadError if it cannot be read as numbers."""
    found = variables.get(name_of(variables, name))
    if found is None:
        raise NotFound(f"{path} has no dataset {name!r}. It holds: {describe(variables)}.")
    if found.problem:
        raise ReadError(f"{path}: {name} cannot be read: {found.problem}. Try another dataset: {describe(variables)}.")
    return found


def npz_variables(path: Path) -> Variables:
    """The arrays of an npz file; those that would need pickle carry it as their problem."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {i.filename.removesuffix(".npy"): _npz_variable(path, archive, i) for i in archive.infolist()}
    except (*ENDS, RuntimeError) as error:
        if isinstance(error, (ReadError, CubeError)):
            raise
        raise damaged(path, "npz", error) from error


def _npz_variable(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Variable:
    name = info.filename.removesuffix(".npy")

    def read() -> np.ndarray:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return arrays[name]
        except ENDS as error:
            raise damaged(path, f"npz array {name}", error) from error

    with archive.open(info) as file:
        shape, _, dtype = npy_header(path, file)
        needed = file.tell() + prod(shape) * dtype.itemsize
    problem = dtype_problem(dtype)
    if not problem and info.file_size < needed:
        problem = f"truncated, it has {info.file_size} bytes and {needed} are needed"
    return Variable(shape, dtype, read, problem=problem or bomb(info.file_size, info.compress_size))


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
    except (*ENDS, SyntaxError, TokenError, RecursionError) as error:
        raise damaged(path, "npy header", error) from error
    return tuple(map(int, shape)), fortran, dtype


def dtype_problem(dtype: np.dtype) -> str:
    """Why this dtype can never hold numbers or text, '' if it can."""
    if dtype.hasobject:
        return "it holds Python objects (pickle), which spaxel never loads"
    return "it is a table of several columns (a compound type)" if dtype.names else ""


def damaged(path: Path, what: str, error: BaseException) -> ReadError:
    """The error for a file that its library cannot read."""
    return ReadError(f"{path} cannot be read as {what}: {error}. Is the file complete? Try to copy it again.")
