"""CSV: the spectra of the components, a table of the components, and pixels or spectra of a list one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from spaxel.exporting.source import Source
from spaxel.exporting.tables import component_columns, component_rows, pixel_rows, spectra_rows
from spaxel.store.cells import TableWriter

COMPONENTS, SPECTRA, PIXELS, SAMPLES = "components.csv", "spectra.csv", "pixels.csv", "samples.csv"


def write_csv(source: Source, folder: Path) -> None:
    """components.csv, spectra.csv; samples.csv of a list of spectra; pixels.csv of an image where maps are asked for."""
    if "components" in source.what:
        write_components(source, folder / COMPONENTS)
    if "spectra" in source.what:
        write_rows(folder / SPECTRA, spectra_rows(source.result))
    if source.maps:
        write_rows(folder / (SAMPLES if source.is_list else PIXELS), pixel_rows(source))


def write_components(source: Source, path: Path, first: int | None = None) -> None:
    """The table of components. first : the value of component 0 in a map beside, where that does not count from 0."""
    columns = component_columns(source.result, source.colors, candidates=True)
    if first is not None:
        columns = {"value": [first + k for k in range(len(source.names))], **columns}
    write_rows(path, component_rows(columns))


def write_rows(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Rows of text as CSV, without cells that a spreadsheet would compute."""
    with path.open("w", newline="", encoding="utf-8") as file:
        TableWriter(file).rows(rows)
