"""spaxel export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spaxel.commands.console import say
from spaxel.commands.options import Memory, Overwrite, ResumeFile, parse_memory

FORMATS = "fits, geotiff, envi, hspy, netcdf, tiff (ImageJ, napari), csv, png, svg, pdf, qml"
ITEMS = "labels, abundances, presence, abundance_error, confidence, residual, unlike, line_maps, spectra, components"


def export(
    run: Path,
    /,
    *,
    to: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", help=f"formats, with commas or repeated: {FORMATS}; if not given, as the suffix of --out says"
        ),
    ] = (),
    level: Annotated[int | None, Parameter(help="another number of components; the run stays as it is")] = None,
    cut: Annotated[str | None, Parameter(help="name of a kept cut (cut --save-as)")] = None,
    what: Annotated[tuple[str, ...], Parameter(negative="", help=f"of {ITEMS} (default: all that the run has)")] = (),
    out: Annotated[
        Path | None,
        Parameter(
            alias="-o", help="folder to make or to add to (default: RUN-export beside the run), or a file, as map.tif"
        ),
    ] = None,
    overwrite: Overwrite = False,
    resume: ResumeFile = False,
    memory: Memory = "1GiB",
) -> None:
    """Write the maps, spectra and tables of a run for other programs, with all that the input knew of its place and axes."""
    from spaxel.exporting import export as write

    held = parse_memory(memory)
    written = write(run, out, to=to, level=level, what=what, cut=cut, overwrite=overwrite, resume=resume, memory=held)
    files = sorted(file for file in written.rglob("*") if file.is_file()) if written.is_dir() else [written]
    say(
        f"wrote {written}"
        + (f": {', '.join(str(file.relative_to(written)) for file in files)}" if written.is_dir() else "")
    )
