"""Text to rows of cells: encoding, separator, decimal comma; and rows to numbers, with the place of a bad cell."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spaxel.errors import ReadError

MISSING = {"", "na", "n/a", "nan", "null", "-", "?"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*$")


class Table(NamedTuple):
    """Rows of cells, the line of the file that each stands on, and whether numbers have a decimal comma."""

    path: Path
    rows: list[list[str]]
    lines: list[int]
    comma: bool

    def number(self, cell: str) -> float:
        """A cell as a number, NaN where it is missing; ValueError if it is something else."""
        text = cell.strip()
        if text.lower() in MISSING:
            return float("nan")
        return float(text.replace(",", ".") if self.comma else text)

    def is_number(self, cell: str) -> bool:
        """Whether a cell holds a number; a missing one does not."""
        try:
            return cell.strip().lower() not in MISSING and self.number(cell) is not None
        except ValueError:
            return False

    def numbers(self, first_row: int, columns: Sequence[int]) -> np.ndarray:
        """(row, column) float64 from `first_row` on; ReadError names the line and column of a bad cell."""
        values = np.empty((len(self.rows) - first_row, len(columns)))
        for at, row in enumerate(self.rows[first_row:]):
            try:
                values[at] = [self.number(row[column]) for column in columns]
            except ValueError:
                self._refuse(first_row + at, columns)
        return values

    def _refuse(self, at: int, columns: Sequence[int]) -> None:
        for column in columns:
            cell = self.rows[at][column]
            if cell.strip().lower() not in MISSING and not self.is_number(cell):
                name = f" ({self.rows[0][column].strip()})" if at else ""
                place = f"line {self.lines[at]}, column {column + 1}{name}"
                raise ReadError(
                    f"{self.path}: {place} holds {cell.strip()[:40]!r}, which is no number. "
                    "Try to correct it, the option decimal, or to name that column with the option id."
                )


def read_table(path: Path, separator: str | None, decimal: str | None) -> Table:
    """The cells of a text file. Empty lines and lines that begin with # or % are left out.

    separator : "," ";" "\\t" or " " (any white space); None looks for it     decimal : "." or ","; None looks for it
    Raises ReadError: no cell at all, or rows of unequal length (a line is named).
    """
    kept = [(at, line) for at, line in enumerate(decode(path.read_bytes()).splitlines(), 1) if _holds_data(line)]
    if not kept:
        raise ReadError(f"{path} holds no table: every line is empty or a comment.")
    lines, texts = [at for at, _ in kept], [line for _, line in kept]
    separator = separator or find_separator(texts[:20])
    try:
        rows = [text.split() for text in texts] if separator == " " else list(csv.reader(texts, delimiter=separator))
    except (csv.Error, TypeError) as error:
        raise ReadError(f"{path} cannot be cut into cells at {separator!r}: {error}. Try another separator.") from error
    width = Counter(map(len, rows)).most_common(1)[0][0]
    for at, row in zip(lines, rows, strict=False):
        if len(row) != width:
            raise ReadError(
                f"{path}: line {at} has {len(row)} cells, the others have {width} (separator {separator!r}). "
                "Try to correct that line, or the option separator."
            )
    comma = separator != "," and any(_DECIMAL_COMMA.match(cell) for row in rows[:20] for cell in row)
    return Table(path, rows, lines, comma if decimal is None else decimal == ",")


def decode(data: bytes) -> str:
    """Text in UTF-8 (with or without a byte order mark), UTF-16 with a mark, or else Latin-1."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def find_separator(lines: Sequence[str]) -> str:
    """The separator of a table: a tab or semicolon where most lines have one, a comma unless it is a decimal comma."""
    half = len(lines) / 2
    for separator in "\t;":
        if sum(separator in line for line in lines) > half:
            return separator
    commas = [line for line in lines if "," in line]
    between = sum(re.search(r"\d[ \t]+[-+]?\d", line) is not None for line in commas)
    return "," if len(commas) > half and between <= len(commas) / 2 else " "


def _holds_data(line: str) -> bool:
    return bool(line.strip(" \t;,\r")) and line.lstrip()[0] not in "#%"
