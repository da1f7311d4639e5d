"""Where components are known to be absent: an array of 0 and 1, or a table of text, whose columns may have names."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ParameterError, ReadError


class KnownZeros(NamedTuple):
    """there : (spectra or files, columns) bool, False: known to be absent      names : of the columns, "" for none."""

    there: np.ndarray | None = None
    names: tuple[str, ...] = ()


def read_zeros(zeros: Any) -> KnownZeros:
    """Where components may be, a row per spectrum or per file, a column per component, and what the columns are called.

    zeros : an array of 0 and 1, or a table of text (CSV) of them, whose first line and first column may be names
    Raises ParameterError where it holds anything else, or one name twice, ReadError for a file that cannot be read.
    """
    if zeros is None:
        return KnownZeros()
    header, cells = _of_text(zeros) if isinstance(zeros, (str, Path)) else ([], zeros)
    widths = sorted({len(line) for line in cells}) if len(cells) else []
    if len(widths) != 1 or not widths[0]:
        raise ParameterError(
            f"zeros have lines of {widths or 'no'} columns, expected one column per component in each."
        )
    try:
        table = np.asarray(cells, np.float64)
    except (TypeError, ValueError):
        table = np.full((1, 1), np.nan)
    if table.ndim != 2 or not np.isin(table, (0, 1)).all():
        raise ParameterError("zeros hold other values than 0 (the component is absent) and 1 (it may be there).")
    return KnownZeros(table == 1, _names(header, table.shape[1]))


def _of_text(path: str | Path) -> tuple[list[str], list[list[str]]]:
    """The cells of the first line if it holds names, and those of the others without a first column of names."""
    try:
        lines = [line for line in csv.reader(Path(path).read_text("utf-8-sig").splitlines()) if any(line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"{path}: the table of zeros cannot be read ({error}). Try a CSV file of 0 and 1.") from None
    lines = [[cell.strip() for cell in line] for line in lines]
    named = bool(lines) and any(cell not in ("0", "1", "") for cell in lines[0])
    header, lines = (lines[0], lines[1:]) if named else ([], lines)
    beside = any(line[0] not in ("0", "1") for line in lines)
    return header, [line[1 if beside else 0 :] for line in lines]


def _names(header: list[str], columns: int) -> tuple[str, ...]:
    """Names of the columns: the first line, whose first cell may stand above the names of runs."""
    if not header:
        return ()
    if len(header) not in (columns, columns + 1):
        raise ParameterError(
            f"The first line of zeros has {len(header)} cells, and the others say 0 or 1 of {columns} components. "
            "Try one name for each."
        )
    names = tuple(header[len(header) - columns :])
    twice = [name for i, name in enumerate(names) if name and name in names[:i]]
    if twice:
        raise ParameterError(f"zeros name two components {twice[0]!r}. Try one column for each.")
    return names
