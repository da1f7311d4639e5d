"""Our own parsers of text, fuzzed with the coverage of their code as guide: headers of ENVI, tables, values of axes, run.json.

    pip install atheris; python benchmarks/fuzz_parsers.py envi|table|axis|run [-max_total_time=60] [CORPUS]

The options after the name are those of libFuzzer. It ends at the first error that is not one of spaxel; the input lies beside.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["spaxel.readers", "spaxel.store"]):
    import spaxel.readers.parts.axis as axis
    from spaxel.readers.parts.envi_header import read_header
    from spaxel.readers.registry import open_cube
    from spaxel.store import run_folder

from spaxel.errors import SpaxelError

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-parsers-"))
HEAD = b"ENVI\nsamples = 2\nlines = 2\nbands = 3\ndata type = 1\ninterleave = bip\nbyte order = 0\n"


def envi(data: bytes) -> None:
    """A header, whole and behind a head that makes sense."""
    path = FOLDER / "a.hdr"
    path.write_bytes(b"ENVI\n" + data)
    read_header(path)
    (FOLDER / "a.img").write_bytes(bytes(range(1, 13)))
    path.write_bytes(HEAD + data)
    open_cube(path)["spectra"].values.sum()


def table(data: bytes) -> None:
    """A table of spectra."""
    path = FOLDER / "a.csv"
    path.write_bytes(data)
    open_cube(path, reader="table")["spectra"].values.sum()


def axis_values(data: bytes) -> None:
    """Cells and lists that may be values of an axis."""
    text = data.decode("latin-1")
    axis.parse_cells(text.split(","))
    for parse in (axis.numbers_of_list, axis.numbers_in):
        try:
            parse(text)
        except ValueError:
            continue


def run(data: bytes) -> None:
    """The run.json of a run folder."""
    folder = FOLDER / "run"
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_bytes(data)
    if run_folder.is_run(folder):
        run_folder.read_json(folder)


PARSERS: dict[str, Callable[[bytes], None]] = {"envi": envi, "table": table, "axis": axis_values, "run": run}


def main() -> None:
    """The command."""
    parse = PARSERS[sys.argv.pop(1)]
    warnings.simplefilter("ignore")

    def one(data: bytes) -> None:
        try:
            parse(data)
        except SpaxelError:
            return

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
