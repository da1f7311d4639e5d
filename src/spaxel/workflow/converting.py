"""A file in the native layout, after corrections: what takes long to correct is then corrected once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spaxel.cube import note
from spaxel.errors import called, naming
from spaxel.preprocess.steps import apply_to_all
from spaxel.readers import open_cube
from spaxel.readers.native import convert, key_of, write_pieces


def convert_file(
    path: str | Path,
    out: str | Path,
    steps: Sequence[dict[str, Any]] = (),
    *,
    overwrite: bool = False,
    resume: bool = False,
    **options: Any,
) -> Path:
    """Any file that spaxel opens, after these steps, as `spaxel.convert` writes it.

    steps : {name, parameters} of spaxel.preprocess; they are kept, so that `predict` with a model of the new file repeats them
    resume : go on with one that was interrupted, see spaxel.convert
    Raises what convert and the steps raise.
    """
    if not steps:
        return convert(path, out, overwrite=overwrite, resume=resume, **options)
    cube = open_cube(path, **options)
    with naming(path):
        (new,) = apply_to_all([cube], steps)
        key = lambda: key_of(path, cube, options, steps)  # noqa: E731
        return write_pieces(note(new, called(f"converted from {path}")), out, key, overwrite=overwrite, resume=resume)
