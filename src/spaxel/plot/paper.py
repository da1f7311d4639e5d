"""A figure for a paper: map, legend, spectra and scale at the width of a column, as PNG, SVG or PDF."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import ParameterError, missing_extra
from spaxel.plot.compose import PARTS, compose
from spaxel.plot.scene import Scene, open_scene
from spaxel.store.writing import replacing

WIDTHS = {"column": 85.0, "page": 180.0}  # mm
NARROWEST, WIDEST = 40.0, 1000.0  # mm
UNITS = {"mm": 1.0, "cm": 10.0, "in": 25.4, "": 1.0}
WITHOUT_DATE: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
LOOK: Any = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 7.5, "axes.labelsize": 7.5,
    "axes.titlesize": 7.5, "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7, "axes.linewidth": 0.6,
    "axes.titlepad": 3, "axes.labelpad": 2, "xtick.major.size": 2.5, "ytick.major.size": 2.5, "xtick.major.width": 0.6,
    "ytick.major.width": 0.6, "xtick.major.pad": 2, "ytick.major.pad": 2, "hatch.linewidth": 0.6, "pdf.fonttype": 42,
    "svg.fonttype": "none", "svg.hashsalt": "spaxel", "axes.edgecolor": "#333333",
}  # fmt: skip


@dataclass
class Look:
    """How a figure is made.

    width : "column" (85 mm), "page" (180 mm), a length as "85mm", "8.5cm", "3.5in", or a number of mm
    dpi   : dots per inch of a PNG file, and of the maps in the others
    what  : of "map", "spectra", "abundances", "overview" (picture and map, then all the rest); none: map and spectra, and
            abundances where the result was unmixed
    """

    width: str | float = "column"
    dpi: float = 300
    what: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        self.width = _millimetres(self.width)
        if not 50 <= self.dpi <= 2400:
            raise ParameterError(f"dpi is {self.dpi:g}, expected 50 to 2400. Try 300.")
        names = self.what.split(",") if isinstance(self.what, str) else self.what
        self.what = tuple(name.strip() for name in names if name.strip())
        if unknown := [name for name in self.what if name not in PARTS]:
            raise ParameterError(f"A figure has no {unknown[0]!r}. Try {', '.join(PARTS)}.")


def figure(
    run: xr.Dataset | str | Path | Scene,
    path: str | Path,
    *,
    level: int | None = None,
    cut: str | None = None,
    overwrite: bool = False,
    **look: Any,
) -> Path:
    """Write a figure for a paper of a run or a result: map, legend, spectra, and its scale or coordinates. Returns its path.

    path  : ends with .png, .svg or .pdf; in the last two, text stays text
    level : another number of components, without fitting again      cut : the name of a cut that is kept in the run
    look  : width ("column" is 85 mm, "page" 180 mm, or a length as "120mm"), dpi (300), what (of map, spectra, abundances,
            overview)
    The same run gives the same bytes: there is no date inside. Letters are at least 7 points high. A large map is reduced
    to the dots of the figure: the most frequent label, the mean abundance.
    Raises MissingExtra without matplotlib, ParameterError for what cannot be drawn, Exists if the file is there and
    `overwrite` is not given.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> spaxel.figure(spaxel.KMeans(n_clusters=3).fit(cube).predict(cube), "map.pdf", width="column").name
    'map.pdf'
    """
    path, wanted = Path(path), Look(**_known(look))
    kind = path.suffix.lower().removeprefix(".")
    if kind not in WITHOUT_DATE:
        raise ParameterError(
            f"{path} ends with {path.suffix or 'no ending'!r}. Try a name that ends with .png, .svg or .pdf."
        )
    style = styled()
    scene = open_scene(run, level, cut)
    with (
        replacing(path, overwrite=overwrite, owned=Path.is_file) as beside,
        style,
        warnings.catch_warnings(record=True) as said,
    ):
        warnings.simplefilter("always")
        drawn = compose(scene, float(wanted.width), wanted.dpi, wanted.what)
        drawn.savefig(beside, format=kind, dpi=wanted.dpi, metadata=WITHOUT_DATE[kind])
    _say(said)
    return path


def styled() -> Any:
    """The look of our figures as a context, whatever the reader's own settings are. Raises MissingExtra without matplotlib."""
    check_matplotlib()
    from matplotlib import style

    return style.context(["default", LOOK])


def check_matplotlib() -> None:
    """Raise MissingExtra if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise missing_extra("A figure", "matplotlib", "plot") from None


def _known(look: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(look) - {"width", "dpi", "what"}:
        raise ParameterError(f"A figure has no option {', '.join(sorted(unknown))}. Known options: width, dpi, what.")
    return look


def _millimetres(width: str | float) -> float:
    text = str(width).strip().lower()
    found = re.fullmatch(r"(\d+\.?\d*)\s*(mm|cm|in|)", text)
    if text not in WIDTHS and not found:
        raise ParameterError(f"width is {width!r}. Try column (85 mm), page (180 mm), or a length as 120mm.")
    length = WIDTHS[text] if text in WIDTHS or not found else float(found[1]) * UNITS[found[2]]
    if not NARROWEST <= length <= WIDEST:
        raise ParameterError(
            f"width is {length:g} mm, expected {NARROWEST:g} to {WIDEST:g}. Try column (85 mm) or page (180 mm)."
        )
    return length


def _say(said: Sequence[warnings.WarningMessage]) -> None:
    """One sentence for letters that the font lacks, in place of one warning for each; other warnings as they are."""
    lacking = [one for one in said if "missing from" in str(one.message)]
    for one in said:
        if one not in lacking:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if lacking:
        warnings.warn(
            "Some letters of the names are not in the font of the figure (DejaVu Sans), and are drawn as boxes. Try an SVG "
            "file, whose letters the program that shows it looks up, or other names: spaxel cut --name.",
            stacklevel=3,
        )
