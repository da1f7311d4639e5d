"""The variables of a MATLAB file of version 4 to 7.2, by SciPy: arrays, and the fields of structs as `data.cube`."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from spaxel.errors import ReadError
from spaxel.readers.parts.matlab_check import check_tags
from spaxel.readers.parts.variables import ENDS, Variable, Variables, damaged

_KINDS = {"double": "f8", "single": "f4", "logical": "?", "char": "U1"} | {
    f"{sign}int{bits}": f"{sign or 'i'}{bits // 8}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_NESTED = ("struct", "object", "cell")
_DEEPEST, _MOST = 5, 2000  # structs in structs; fields and cells of one variable that are listed


def is_matlab(head: bytes) -> bool:
    """Whether these first bytes are the header of a MATLAB file, version 4 to 7.3."""
    modern = head[126:128] in (b"IM", b"MI") and head[124:126] in (b"\x00\x01", b"\x01\x00", b"\x00\x02", b"\x02\x00")
    return modern or _is_version_4(head)


def _is_version_4(head: bytes) -> bool:
    """Version 4 has no signature: type (digits MOPT), rows, columns, complex or not, length of the name, the name."""
    if len(head) < 22:
        return False
    for order in "<>":
        kind, rows, columns, imaginary, length = struct.unpack(f"{order}5i", head[:20])
        digits = (kind // 1000 % 10, kind // 100 % 10, kind // 10 % 10, kind % 10)
        right_order = digits[0] == (0 if order == "<" else 1)
        if not (0 <= kind < 2000 and right_order and digits[1] == 0 and digits[2] <= 5 and digits[3] <= 2):
            continue
        if rows <= 0 or columns <= 0 or imaginary not in (0, 1) or not 2 <= length <= 64:
            continue
        name = head[20 : 20 + length]
        if name[-1:] == b"\0" and name[:-1].isascii() and name[:-1].decode("ascii").isidentifier():
            return True
    return False


def matlab_variables(path: Path) -> Variables:
    """The variables of a MATLAB file of version 4 to 7.2; those in structs, objects and cells as `data.cube`, `c{2,1}`."""
    with path.open("rb") as file:
        if file.read(128)[126:128] in (b"IM", b"MI"):
            check_tags(path)
    try:
        listed = scipy.io.whosmat(str(path))
    except (*ENDS, NotImplementedError, NameError) as error:
        raise damaged(path, "MATLAB", error) from error
    found: Variables = {}
    for name, shape, kind in listed:
        sides = tuple(map(int, shape))
        found[name] = _variable(path, name, sides, kind)
        if kind in _NESTED:
            found |= _inside(path, name)
    return found


def _variable(path: Path, name: str, shape: tuple[int, ...], kind: str) -> Variable:
    problem = "" if kind in _KINDS else f"a MATLAB {kind}, not an array of numbers"
    read = partial(_load, path, name, shape)
    return Variable(shape, np.dtype(_KINDS.get(kind, "O")), read, problem=problem)


def _load(path: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
    value = _value(path, name)
    if not isinstance(value, np.ndarray) or (value.shape != shape and value.dtype.kind != "U"):
        raise ReadError(f"{path}: {name} is not the array of shape {shape} that the file announces. Is it complete?")
    return value


def _value(path: Path, name: str) -> Any:
    try:
        return scipy.io.loadmat(str(path), variable_names=[name])[name]
    except (*ENDS, RecursionError, NameError) as error:  # SciPy forgets a variable on some damaged structs
        raise damaged(path, f"MATLAB variable {name}", error) from error


def _inside(path: Path, name: str) -> Variables:
    """The arrays in a struct, object or cell, with the axes that a data set object names; {} if it cannot be read."""
    try:
        held = dict(_walk(name, _value(path, name), 0))
    except ReadError:
        return {}
    found = {n: Variable(v.shape, v.dtype, partial(np.asarray, v)) for n, v in held.items()}
    return found | _data_set_object(name, found, held)


def _walk(name: str, value: Any, depth: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, array) of all arrays of numbers or text in a value; structs with several elements are numbered."""
    if not isinstance(value, np.ndarray) or depth > _DEEPEST or (value.size > _MOST and value.dtype.kind in "OV"):
        return
    if value.dtype.names:
        for at, element in zip(np.ndindex(value.shape), value.ravel(), strict=True):
            label = name if value.size == 1 else f"{name}({','.join(str(k + 1) for k in at)})"
            for field in value.dtype.names:
                yield from _walk(f"{label}.{field}", element[field], depth + 1)
    elif value.dtype.kind == "O" and value.size and all(_is_text(element) for element in value.ravel()):
        yield name, np.array([str(element.ravel()[0]) for element in value.ravel()])
    elif value.dtype.kind == "O":
        for at, element in zip(np.ndindex(value.shape), value.ravel(), strict=True):
            yield from _walk(f"{name}{{{','.join(str(k + 1) for k in at)}}}", element, depth + 1)
    elif depth and value.dtype.kind in "biufcU" and value.size:
        yield name, value


def _is_text(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size == 1


def _data_set_object(name: str, found: Variables, held: dict[str, np.ndarray]) -> Variables:
    """The array of a chemometrics data set object, with its scales: `axisscale{2,1}` numbers axis 1, `{2,2}` names it."""
    data = found.get(f"{name}.data")
    if data is None or not any(n.startswith(f"{name}.axisscale") for n in found):
        return {}
    scales, named = {}, {}
    for axis in range(len(data.shape)):
        scale = f"{name}.axisscale{{{axis + 1},1}}"
        if scale in found and found[scale].size == data.shape[axis] > 1:
            text = held.get(f"{name}.axisscale{{{axis + 1},2}}", np.array(""))
            units = str(text.ravel()[0]).strip() if text.dtype.kind == "U" and text.size else None
            scales[axis] = scale
            named[scale] = replace(found[scale], units=units or None)
    return named | {f"{name}.data": replace(data, scales=scales, told=f"{name} is a data set object")}
