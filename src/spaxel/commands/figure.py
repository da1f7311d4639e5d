"""spaxel figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import say
from spaxel.commands.options import Memory, Overwrite, parse_memory

MOST = 120  # letters of a file's name


def figure(
    run: Path,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(alias="-o", help="file to make, .png, .svg or .pdf (default: the run's name, as .png)")
    ] = None,
    width: Annotated[
        str, Parameter(help="column (85 mm), page (180 mm), or a length as 120mm", show_default=True)
    ] = "column",
    dpi: Annotated[float, Parameter(help="dots per inch", show_default=True)] = 300,
    level: Annotated[int | None, Parameter(help="number of components at which the merge tree is cut")] = None,
    cut: Annotated[str | None, Parameter(help="a cut that is kept in the run: spaxel cut --save-as NAME")] = None,
    what: Annotated[
        str,
        Parameter(
            help="of map, spectra, abundances, overview (picture too), as map,spectra (default: map, spectra, and abundances "
            "where the run was unmixed)"
        ),
    ] = "",
    memory: Memory = "1GiB",
    overwrite: Overwrite = False,
) -> None:
    """A figure for a paper: map, legend, spectra, and scale bar, RA/Dec or map coordinates. Needs matplotlib.

    The run is not changed. The same run gives the same bytes. In SVG and PDF text stays text.
    """
    from spaxel.plot import figure as draw
    from spaxel.results.walk import bounded

    path = Path(f"{run.resolve().name[:MOST] or 'figure'}.png") if out is None else out
    with bounded(parse_memory(memory)):
        made = draw(run, path, width=width, dpi=dpi, level=level, cut=cut, what=what, overwrite=overwrite)
    say(f"figure: {made}")
