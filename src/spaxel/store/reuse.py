"""A run that takes over what has not changed of another: files by hard links, and of an array its chunks.

A file of two names is never written in place: whatever writes in a run writes beside and renames (spaxel.store.staging), so
that a link costs nothing and each run keeps its own. Where the disk knows no such links files are copied.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr
import zarr

from spaxel.cube.computing import alone
from spaxel.cube.stored import is_lazy
from spaxel.store.guarded import WHOLE, guarded_encoding, in_chunks, open_guarded
from spaxel.store.overviews import OVERVIEWS, write_overviews
from spaxel.store.places import placed
from spaxel.store.run_folder import RESULT, as_stored, write_result

META = "zarr.json"


def take_over(run: Path, folder: Path, left: Collection[str] = ()) -> None:
    """All that lies in a run, in another folder too. left : files and folders that are not taken, as paths inside the run"""
    skipped = {run / name for name in left}

    def skip(place: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(place) / name in skipped]

    shutil.copytree(run, folder, dirs_exist_ok=True, symlinks=True, ignore=skip, copy_function=link)


def link(source: str | Path, target: str | Path) -> None:
    """One more name of a file; a copy where the disk cannot do that."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def rewrite_result(folder: Path, result: xr.Dataset, before: xr.Dataset, old: Path) -> None:
    """Write result.zarr into a folder, of which the run `old` has most already; the same numbers as `write_result` writes.

    before : the result of `old`, lazily, of which `result` was made: maps that are the very same arrays are taken over, and of
             others the chunks in which nothing has changed
    """
    home = old / RESULT
    if not _is_whole(home):
        write_result(folder, result)
        return
    plain = as_stored(result)
    same = [name for name, held in plain.data_vars.items() if _is_same(held, before.get(name))]
    rest = in_chunks(plain.drop_vars(same))
    for name in (set(before.data_vars) - set(same)) | ({"micro_labels"} if "labels" in rest else set()):
        shutil.rmtree(folder / OVERVIEWS / str(name), ignore_errors=True)  # of what is no more
    with placed(folder, RESULT) as beside, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)
        encoding = guarded_encoding(rest)
        rest.to_zarr(
            beside,
            mode="w",
            zarr_format=3,
            consolidated=False,
            write_empty_chunks=True,
            encoding=encoding,
            compute=False,
        )
        for name in same:
            take_over(home / str(name), beside / str(name))
        lazy = {str(name): held.variable for name, held in rest.data_vars.items() if is_lazy(held.data)}
        for names in _alike({name: (held.shape, encoding[name]["chunks"]) for name, held in lazy.items()}):
            _write_maps(beside, {name: lazy[name].data for name in names}, before, home)
        zarr.consolidate_metadata(str(beside))
    write_overviews(folder, open_guarded(folder / RESULT), [str(name) for name in rest.data_vars])


def _is_whole(home: Path) -> bool:
    """Whether a result was written with every chunk there, and a checksum in each."""
    try:
        return bool(json.loads((home / META).read_text("utf-8"))["attributes"].get(WHOLE))
    except (OSError, ValueError, LookupError, AttributeError):
        return False


def _is_same(held: xr.DataArray, old: xr.DataArray | None) -> bool:
    """Whether a map on the disk is still the array that it was."""
    return old is not None and is_lazy(held.data) and held.data is old.data and repr(held.attrs) == repr(old.attrs)


def _alike(kinds: dict[str, Any]) -> Iterator[list[str]]:
    """Names of maps that have the same shape and chunks, and so are made together."""
    for kind in dict.fromkeys(kinds.values()):
        yield [name for name, other in kinds.items() if other == kind]


def _write_maps(beside: Path, maps: dict[str, Any], before: xr.Dataset, home: Path) -> None:
    """Chunk by chunk the maps of one shape; a chunk that is as before is linked."""
    with zarr.config.set({"array.write_empty_chunks": True}):  # else a chunk of zeros would be missing
        arrays = {name: zarr.open_array(str(beside / name), mode="r+") for name in maps}
    known = {name: before[name].data for name in maps if name in before and _stored_alike(beside, home, name)}
    first = next(iter(arrays.values()))
    steps = [range(-(-size // chunk)) for size, chunk in zip(first.shape, first.chunks, strict=True)]
    for index in product(*steps):
        place = tuple(
            slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, first.chunks, first.shape, strict=True)
        )
        wanted = [one[place] for one in (*maps.values(), *known.values())]
        values = dask.compute(*wanted, scheduler=alone)
        new, old = dict(zip(maps, values[: len(maps)], strict=True)), dict(zip(known, values[len(maps) :], strict=True))
        for name, array in arrays.items():
            key = Path(name, "c", *map(str, index))
            if name in old and np.array_equal(_bits(new[name]), _bits(old[name])) and (home / key).is_file():
                (beside / key).parent.mkdir(parents=True, exist_ok=True)
                link(home / key, beside / key)
            else:
                array[place] = new[name]


def _stored_alike(beside: Path, home: Path, name: str) -> bool:
    """Whether two arrays keep their chunks in the same way."""
    with suppress(OSError, ValueError, AttributeError):
        one, other = (json.loads((place / name / META).read_text("utf-8")) for place in (beside, home))
        return {**one, "attributes": {}} == {**other, "attributes": {}}
    return False


def _bits(values: np.ndarray) -> np.ndarray:
    """The bytes of an array, so that NaN equals NaN and 0 is not -0."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
