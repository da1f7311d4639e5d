"""Text in the cells of a table: names come from files, and a spreadsheet takes a cell that begins with = for a formula.

Such a cell gets an apostrophe in front, as OWASP advises ("CSV injection"): a spreadsheet shows it as text and computes
nothing. Everything else stays as it is, so that pandas, R and a spreadsheet read the same names; `uncelled` takes the
apostrophe away again, and so does the reader of tables (`readers/table`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from spaxel.errors import printable

_FORMULA = r"['\s]*[=+\-@＝＋－＠]"  # the wide ones too: spreadsheets of East Asia take them for the same
_BEGINS = re.compile(_FORMULA)
_CELLED = re.compile("'" + _FORMULA)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?( [\w/µ°^ -]*)?|[+-](inf|nan)")  # -12.5, -12.5 1/cm


def celled(value: Any) -> Any:
    """What is written into a cell of a table: text that a spreadsheet would compute with an apostrophe in front.

    Characters that steer a terminal become their codes (see spaxel.errors.printable). Numbers stay: -12.5 is one, and
    "-12.5 1/cm" too. What is no text is given back as it is.

    >>> celled("=HYPERLINK(1)"), celled("-12.5"), celled("azurite"), celled(3)
    ("'=HYPERLINK(1)", '-12.5', 'azurite', 3)
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if _BEGINS.match(text) and not _NUMBER.fullmatch(text) else text


def uncelled(text: str) -> str:
    """The text of a cell without the apostrophe that `celled` put before it.

    >>> uncelled("'=HYPERLINK(1)"), uncelled("azurite"), uncelled("'tis")
    ('=HYPERLINK(1)', 'azurite', "'tis")
    """
    return text[1:] if _CELLED.match(text) else text


class TableWriter:
    """A csv.writer whose cells of text are `celled`. Every table that leaves us is written through one.

    file : opened with newline=""      separator : between the cells
    """

    def __init__(self, file: TextIO, separator: str = ",") -> None:
        self._writer = csv.writer(file, delimiter=separator)

    def row(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow([celled(cell) for cell in cells])

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write many rows."""
        for row in rows:
            self.row(row)
