"""The page of two runs of one image: both maps in matched colours, where they differ, and a table of what is what."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from markupsafe import Markup

from spaxel.errors import ParameterError
from spaxel.figures.compared import differences, named_map
from spaxel.figures.maps import Frame
from spaxel.figures.palette import matched_colors, run_colors
from spaxel.figures.reduce import reduced
from spaxel.metrics.agreement import Agreement
from spaxel.reporting.embedded import embedded, library
from spaxel.reporting.html import fill
from spaxel.store.writing import replacing

SIDE, ROOM = 512, 306  # pixels of a map in the page, and its room on the screen
MARK = "<!-- spaxel compare -->"  # by which our own pages are known


class Side(NamedTuple):
    """One of two results: what it is called, the result, and its run.json ({} where there is none)."""

    title: str
    result: xr.Dataset
    about: dict[str, Any]


class Comparison(NamedTuple):
    """Two results of one image compared. sentence : for people      agreement : the numbers, see spaxel.metrics.agreement

    names : of the components of both      sides : what was compared
    """

    sentence: str
    agreement: Agreement
    names: tuple[list[str], list[str]]
    sides: tuple[Side, Side]

    def values(self) -> dict[str, Any]:
        """All numbers and names as builtins, ready for JSON."""
        numbers = self.agreement._asdict() | {"table": self.agreement.table.tolist()}
        numbers |= {"matching": [list(pair) for pair in self.agreement.matching]}
        titles = [side.title for side in self.sides]
        return {"runs": titles, "sentence": self.sentence, **numbers, "names": [list(names) for names in self.names]}

    def colors(self) -> tuple[list[str], list[str]]:
        """The colours of both: matched components have the same."""
        one = self.sides[0]
        first = run_colors(one.result, one.about)
        return first, matched_colors(first, self.agreement.matching, len(self.names[1]))


def write_comparison(found: Comparison, path: Path, *, overwrite: bool = False) -> Path:
    """Write the page of a comparison: one file that needs no network. Returns its path.

    Raises ParameterError for a name that is no .html, Exists if there is a file and `overwrite` is False or it is not ours.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ParameterError(f"{path} is no name of a page. Try {path.with_suffix('.html').name}.")
    with replacing(path, overwrite=overwrite, owned=_is_ours) as beside:
        beside.write_text(render_comparison(found), encoding="utf-8")
    return path


def _is_ours(path: Path) -> bool:
    return path.is_file() and MARK in path.read_text("utf-8", errors="replace")[:400]


def render_comparison(found: Comparison) -> str:
    """The page as HTML text."""
    (one, other), (first, second) = found.sides, found.colors()
    a, b = (side.result["labels"].transpose("y", "x") for side in found.sides)
    origin = str(one.result.attrs.get("origin", "upper"))
    narrow = a.shape[1] < a.shape[0] / 8  # a list of spectra: maps would be lines
    frame = Frame(a.shape, origin=origin, width=ROOM, height=ROOM)
    figures = []
    if not narrow:
        differ, shades, pairs = differences(found.agreement.table, found.agreement.matching, found.names, second)
        small = reduced((a, b), SIDE, lambda a, b: (a, b, differ[a, b]))
        colors, names = (first, second, shades), (*found.names, pairs)
        figures = [named_map(*drawn, frame, SIDE) for drawn in zip(small, colors, names, strict=True)]
    script, spots = embedded(figures) if figures else ("", ())
    style = files("spaxel.reporting").joinpath("page.css").read_text("utf-8")
    own = {"style": style, "library": library(widgets=False) if figures else "", "script": script, "mark": MARK}
    return str(
        fill(
            "comparison",
            title=f"{one.title} and {other.title}",
            found=found,
            maps=list(zip((one.title, other.title, "where they differ"), map(Markup, spots), strict=False)),
            table=_table(found, first, second),
            pairs=_pairs(found, first),
            commands=[str(side.about["command"]) for side in found.sides if side.about.get("command")],
            **{name: Markup(value) for name, value in own.items()},
        )
    )


def _pairs(found: Comparison, colors: list[str]) -> list[tuple]:
    """Rows of the table of matched components: colour, names, shares, intersection over union; then those without."""
    table, n = found.agreement.table, found.agreement.n_pixels
    shares = table.sum(1) / n, table.sum(0) / n
    rows: list[tuple] = []
    for (i, j), iou in zip(found.agreement.matching, found.agreement.iou, strict=True):
        rows.append((colors[i], found.names[0][i], found.names[1][j], shares[0][i], shares[1][j], f"{iou:.2f}"))
    return rows


def _table(found: Comparison, first: list[str], second: list[str]) -> dict[str, Any]:
    """Names and colours of both, and per cent of the pixels with each pair of labels, matched pairs marked."""
    matched, part = set(found.agreement.matching), found.agreement.table / found.agreement.n_pixels
    order = [j for _, j in sorted(found.agreement.matching)]
    order += [j for j in range(len(second)) if j not in order]
    rows = [
        ((first[i], found.names[0][i]), [(float(part[i, j]), (i, j) in matched) for j in order], float(np.sum(part[i])))
        for i in range(len(first))
    ]
    return {"columns": [(second[j], found.names[1][j]) for j in order], "rows": rows}
