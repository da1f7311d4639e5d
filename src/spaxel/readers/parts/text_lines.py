"""Lines of a text file and their cells: encoding, separator, comments; read anew each time, a line at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from spaxel.errors import ReadError

COMMENTS = 200  # that are kept
_DOUBTFUL = frozenset(
    "#%;, \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029\u3000"
)  # first characters of lines that may hold no data
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Source(NamedTuple):
    """How the file is read, each time anew: nothing of it is kept.

    lead  : (line, cells) that come first: a header that stands in a comment, that lacked cells, or that of Orange
    skip  : last line that is left out before      end : last line that is read, None for all
    roles : what Orange says of columns that are no channels: "class", "meta"
    """

    path: Path
    encoding: str
    separator: str
    lead: tuple[int, list[str]] | None = None
    skip: int = 0
    roles: dict[int, str] | None = None
    end: int | None = None

    def lines(self) -> Iterator[tuple[int, str]]:
        """(line of the file, text) of each line with data, without those of `lead`."""
        lines = data_lines(self.path, self.encoding, self.skip)
        end = self.end
        return lines if end is None else takewhile(lambda line: line[0] <= end, lines)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line of the file, cells) of each row."""
        if self.lead:
            yield self.lead
        yield from cut(self.path, self.lines(), self.separator)


def cut(path: Path, lines: Iterator[tuple[int, str]], separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of numbered lines. Raises ReadError if they cannot be cut."""
    if separator == " ":
        for at, line in lines:
            yield at, line.split()
        return
    at = 0

    def texts() -> Iterator[str]:
        nonlocal at
        for number_, line in lines:
            at = number_
            yield line

    try:
        for cells in csv.reader(texts(), delimiter=separator):
            yield at, cells
    except (csv.Error, TypeError) as error:
        raise ReadError(f"{path} cannot be cut into cells at {separator!r}: {error}. Try another separator.") from error


def encoding_of(path: Path) -> tuple[str, int, tuple[int, str]]:
    """UTF-8 (with or without a byte order mark), UTF-16 with a mark, or else Latin-1; number of lines with data; the last."""
    with path.open("rb") as file:
        mark = file.read(3)
    encoding = next((name for start, name in _BOMS if mark.startswith(start)), "utf-8")
    for name in (encoding, "latin-1"):
        try:
            n, last = 0, (0, "")
            for line in data_lines(path, name, 0):
                n, last = n + 1, line
            return name, n, last
        except UnicodeError:
            continue
    raise ReadError(f"{path} is no text. Try reader=… if you know what it is.")


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with path.open(encoding=encoding) as file:
        for at, line in enumerate(file, 1):
            yield at, line.rstrip("\n")


def data_lines(path: Path, encoding: str, skip: int) -> Iterator[tuple[int, str]]:
    """(line of the file, text) of the lines after `skip` that are neither empty nor comments."""
    with path.open(encoding=encoding) as file:
        for at, line in enumerate(file, 1):
            if at > skip and (line[0] not in _DOUBTFUL or _holds_data(line.rstrip("\n"))):
                yield at, line[:-1] if line[-1] == "\n" else line


def comments(path: Path, encoding: str) -> list[str]:
    """The comments before the first line with data."""
    found: list[str] = []
    for _, line in _lines(path, encoding):
        if _holds_data(line) or len(found) >= COMMENTS:
            break
        if line.strip(" \t;,\r"):
            found.append(line.strip())
    return found


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
