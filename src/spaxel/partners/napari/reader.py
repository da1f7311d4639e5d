"""What napari asks for a path: a function that gives its layers, or None where spaxel is not meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from spaxel.errors import SpaxelError
from spaxel.partners.napari.layers import Layer, cube_layers, run_layers
from spaxel.readers.registry import find_reader
from spaxel.store.run_folder import RUN, is_run

OTHERS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".bmp",
    ".csv",
    ".txt",
    ".py",
    ".html",
)  # napari opens these itself, or nobody does


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[Layer]] | None:
    """The reader of a run (its folder or its run.json) or of a cube; None for a list, pictures, and what no reader knows."""
    if not isinstance(path, str):
        return None
    place = run_folder(Path(path))
    if is_run(place):
        return read_run
    if not place.exists() or place.suffix.lower() in OTHERS:
        return None
    try:
        find_reader(place)
    except SpaxelError:
        return None
    return read_cube


def run_folder(path: Path) -> Path:
    """The folder of a run.json, else the path itself."""
    return path.parent if path.name == RUN else path


def read_run(path: str) -> list[Layer]:
    """The layers of a run; of a run of several cubes those of the first."""
    return run_layers(run_folder(Path(path)))


def read_cube(path: str) -> list[Layer]:
    """The layers of a cube."""
    return cube_layers(Path(path))
