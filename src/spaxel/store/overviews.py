"""Overviews of large maps, written with a run: half as large again and again, so that a page or a viewer opens at once.

    RUN/overviews.zarr/NAME     a multiscale image as OME-NGFF 0.5 means it (https://ngff.openmicroscopy.org/0.5): Zarr arrays
                                1, 2, 3 … of which a point stands for 2, 4, 8 … pixels a side; axes y, x, with a channel before

Each point is made of all pixels that it stands for, not of the overview before it:

    labels, truth_labels   the most frequent one, the smaller of a tie; -1 (no data) counts too, so that masks keep their area
    micro_labels           of the most frequent label its most frequent part, so that the maps of all levels are nested
    all others             the mean of what is finite; of unlike and level_confidence, of the pixels with data

Only maps of more than LARGE pixels have them. A run without is read all the same, block by block. Every chunk is there and has
a checksum, as in the result itself; what is damaged may be deleted: nothing is lost with it but time.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import dask
import dask.array as da
import numpy as np
import xarray as xr
import zarr
from zarr.codecs import ZstdCodec

from spaxel.cube.computing import alone
from spaxel.cube.smaller import halved, is_large, majority, nested_majority
from spaxel.cube.stored import CHUNK, is_lazy
from spaxel.cube.tiles import Tile, grid
from spaxel.errors import ReadError
from spaxel.store.guarded import DAMAGE, LIMITS, Guarded
from spaxel.store.places import placed
from spaxel.store.records import Multiscale, refuse_unless
from spaxel.store.remote import store_at

OVERVIEWS = "overviews.zarr"
COARSEST, FEW = 128, 512  # pixels a side of the smallest one; of the largest of maps that are drawn small only
HELD = 2**24  # bytes of overviews that are held while they are made
MAKE = "to delete this folder: maps are then read from the result"


class Kind(NamedTuple):
    """How a map is made smaller: by 'labels', 'parts' or 'mean'. masked : over the pixels with data

    first : step of the first overview      few : only those that are small
    """

    how: str = "mean"
    masked: bool = False
    first: int = 2
    few: bool = False


KINDS = {
    "labels": Kind("labels"), "micro_labels": Kind("parts"), "truth_labels": Kind("labels"), "confidence": Kind(),
    "abundances": Kind(first=4), "presence": Kind(first=4), "abundance_error": Kind(first=4),
    "residual": Kind(), "unlike": Kind(masked=True), "picture": Kind(), "picture_wide": Kind(),
    "decoded_picture": Kind(), "line_maps": Kind(first=4), "latents": Kind(few=True),
    "level_confidence": Kind(masked=True, few=True), "rarity": Kind(),
}  # fmt: skip


class Kept(NamedTuple):
    """Where the overviews of a map lie, and the very array that they are of. limit : see Guarded"""

    folder: Path
    array: str
    limit: int | None


def steps_of(shape: tuple[int, int], kind: Kind) -> list[int]:
    """The steps of the overviews of a map of (y, x) pixels: powers of two, from fine to coarse; none for a small map."""
    if not is_large(shape):
        return []
    steps = [2]
    while max(shape) > COARSEST * steps[-1] and 2 * steps[-1] <= CHUNK:
        steps.append(2 * steps[-1])
    least = max(kind.first, next((s for s in steps if max(shape) <= FEW * s), steps[-1]) if kind.few else 0)
    return [step for step in steps if step >= least]


def write_overviews(folder: Path, result: xr.Dataset, names: Collection[str] | None = None) -> None:
    """Write the overviews of the large maps of a result beside it; of small ones there are none.

    result : in memory or lazy, read block by block      names : those maps that changed (None: all); the others stay
    """
    if not is_large(result["labels"].shape):
        return
    root = folder / OVERVIEWS
    held = [name for name in KINDS if name in result]
    if names is None or not root.is_dir():
        with placed(folder, OVERVIEWS) as beside:
            zarr.create_group(str(beside), zarr_format=3)
            for name in held:
                _write(beside / name, name, result)
        return
    changed = {*names, *(("micro_labels",) if "labels" in names else ())}
    for name in (name for name in held if name in changed):
        with placed(root, name) as beside:
            _write(beside, name, result)


def drop_overviews(folder: Path) -> None:
    """Delete the overviews of a result that is about to be replaced, so that nobody takes them for those of the new one."""
    root = folder / OVERVIEWS
    if root.is_dir() and not root.is_symlink():
        shutil.rmtree(root)


def _write(place: Path, name: str, result: xr.Dataset) -> None:
    """One map: its arrays from fine to coarse, and what OME-NGFF says of them."""
    kind, held = KINDS[name], result[name].variable
    planes = [str(dim) for dim in held.dims if dim not in ("y", "x")]
    count = [result.sizes[dim] for dim in planes]
    height, width = result["labels"].shape
    steps = steps_of((height, width), kind)
    group = zarr.create_group(str(place), zarr_format=3, attributes=_said(name, kind, planes, steps))
    dtype = _dtype(name, held)
    arrays = {
        step: group.create_array(
            _path(step),
            shape=(*count, -(-height // step), -(-width // step)),
            chunks=(*(1 for _ in count), min(CHUNK, -(-height // step)), min(CHUNK, -(-width // step))),
            dtype=dtype,
            compressors=(ZstdCodec(level=0, checksum=True),),
            dimension_names=(*planes, "y", "x"),
            config={"write_empty_chunks": True},
        )
        for step in steps
    }
    for plane, one in enumerate(_planes(held)):
        for big in grid(height, width, _side(steps[0], dtype.itemsize * (count[0] if one.ndim > 2 else 1))):
            small = _made_smaller(result["labels"].data, one, kind, steps, big, dtype)
            for step, values in small.items():
                inside: Any = tuple(slice(start // step, -(-end // step)) for start, end in (big[:2], big[2:]))
                if one.ndim > 2:
                    arrays[step][(slice(None), *inside)] = np.moveaxis(values, -1, 0)
                else:
                    arrays[step][(*([plane] if count else []), *inside)] = values


def _planes(held: xr.Variable) -> Iterator[Any]:
    """A map (y, x, …) as it is, one (plane, y, x) plane by plane."""
    if held.dims[0] == "y":
        yield held.data
    else:
        yield from (held.data[i] for i in range(held.shape[0]))


def _side(first: int, nbytes: int) -> int:
    """Pixels a side that are made smaller together, whole blocks: so that chunks of overviews are seldom written twice."""
    side = 4 * CHUNK
    while side > CHUNK and 4 * side * side * nbytes > 3 * HELD * first * first:
        side //= 2
    return side


def _made_smaller(
    labels: Any, values: Any, kind: Kind, steps: list[int], big: Tile, dtype: np.dtype
) -> dict[int, np.ndarray]:
    """One piece of a map at all steps, read block by block: {step: (rows, columns, …)}."""
    rows, columns, more = big.y1 - big.y0, big.x1 - big.x0, values.shape[2:]
    small = {step: np.empty((-(-rows // step), -(-columns // step), *more), dtype) for step in steps}
    needs_labels = kind.masked or kind.how == "parts"
    for tile in grid(rows, columns, CHUNK):
        place = slice(big.y0 + tile.y0, big.y0 + tile.y1), slice(big.x0 + tile.x0, big.x0 + tile.x1)
        read = (labels[place], values[place]) if needs_labels else (values[place],)
        *known, block = dask.compute(*read, scheduler=alone)
        for step, found in reduced(kind, block, known[0] if known else None, steps).items():
            if np.issubdtype(dtype, np.integer) and found.dtype != dtype:
                found = np.rint(found).astype(dtype)
            y, x = tile.y0 // step, tile.x0 // step
            small[step][y : y + found.shape[0], x : x + found.shape[1]] = found
    return small


def reduced(kind: Kind, values: np.ndarray, labels: np.ndarray | None, steps: list[int]) -> dict[int, np.ndarray]:
    """A map, or a block of one, at several steps: {step: smaller (y, x, …)}.

    values : (y, x, …)      labels : (y, x) int, of parts and of what is masked
    """
    if kind.how == "labels":
        return {step: majority(values, step) for step in steps}
    if kind.how == "parts" and labels is not None:
        return {step: nested_majority(labels, values, step) for step in steps}
    smaller = partial(_means, kind, labels=labels, steps=steps)
    if values.ndim == 2:
        return smaller(values)
    planes = [smaller(values[..., i]) for i in range(values.shape[2])]  # one by one: sums are larger than values
    return {step: np.stack([plane[step] for plane in planes], -1) for step in steps}


def _means(kind: Kind, values: np.ndarray, labels: np.ndarray | None, steps: list[int]) -> dict[int, np.ndarray]:
    good = np.isfinite(values) if labels is None or not kind.masked else np.isfinite(values) & (labels >= 0)
    return halved(values, good, steps)


def smaller(result: xr.Dataset, name: str, step: int) -> np.ndarray:
    """A large map of a result at a step, a power of two: its overview, else made block by block, with the same bits.

    returns : the axes in the order of the map, y and x made smaller; means are float32, NaN where nothing counts
    Raises ReadError where it is damaged.
    """
    kind, held = KINDS[name], result[name]
    known = [overview(one, step) for one in (held, *((result["labels"],) if kind.how == "parts" else ()))]
    if all(one is not None for one in known):
        return np.asarray(known[0])
    whole = Tile(0, result.sizes["y"], 0, result.sizes["x"])
    dtype = _dtype(name, held)
    planes = [
        _made_smaller(result["labels"].data, plane, kind, [step], whole, dtype)[step]
        for plane in _planes(held.variable)
    ]
    return planes[0] if held.dims[0] == "y" else np.stack(planes)


def _dtype(name: str, held: Any) -> np.dtype:
    """The kind of the numbers of an overview: means are float32, but for pictures."""
    pictures = ("picture", "picture_wide", "decoded_picture")
    return held.dtype if KINDS[name].how != "mean" or name in pictures else np.dtype(np.float32)


def _path(step: int) -> str:
    return str(step.bit_length() - 1)


def _said(name: str, kind: Kind, planes: list[str], steps: list[int]) -> dict[str, Any]:
    """Attributes of a multiscale image: places are centres of points, in pixels of the whole map."""
    axes = [{"name": dim, "type": "channel"} for dim in planes] + [{"name": dim, "type": "space"} for dim in "yx"]
    datasets = [
        {
            "path": _path(step),
            "coordinateTransformations": [
                {"type": "scale", "scale": [*(1.0 for _ in planes), float(step), float(step)]},
                {"type": "translation", "translation": [*(0.0 for _ in planes), (step - 1) / 2, (step - 1) / 2]},
            ],
        }
        for step in steps
    ]
    how = {"labels": "majority", "parts": "majority of the parts of the majority of labels"}.get(kind.how, "mean")
    ome: dict[str, Any] = {"version": "0.5"}
    ome["multiscales"] = [{"name": name, "type": how, "axes": axes, "datasets": datasets}]
    return {"ome": ome | ({} if kind.how == "mean" else {"image-label": {}})}


def attach(result: xr.Dataset, folder: Path) -> xr.Dataset:
    """The result itself, whose maps know where their overviews lie: of these very arrays, of none that is made of them."""
    for name in KINDS:
        place = folder / OVERVIEWS / name
        if name in result and place.is_dir() and is_lazy(result[name].data):
            limit = result.sizes.get(LIMITS[name]) if name in LIMITS else None
            result.variables[name].encoding["overviews"] = Kept(place, result[name].data.name, limit)
    return result


def overview(array: xr.DataArray, step: int) -> da.Array | None:
    """The overview of a map at a step, lazily, its axes in the order of the map; None if there is none.

    Raises ReadError if it is damaged.
    """
    kept = array.encoding.get("overviews")
    if not isinstance(kept, Kept) or not is_lazy(array.data) or array.data.name != kept.array:
        return None
    found: Any = _opened(kept, tuple(map(str, array.dims)), array.shape).get(step)
    return None if found is None else np.moveaxis(found, 0, -1) if array.dims[0] == "y" and array.ndim > 2 else found


@lru_cache(maxsize=128)
def _opened(kept: Kept, dims: tuple[str, ...], shape: tuple[int, ...]) -> dict[int, da.Array]:
    """{step: lazy array (…, y, x)} of the overviews of a map of this shape."""
    try:
        group = zarr.open_group(store_at(kept.folder, complete=True), mode="r", zarr_format=3)
        said: dict[str, Any] = dict(group.attrs)
        refuse_unless(Multiscale, said.get("ome"), str(kept.folder), MAKE)
        steps = [2 ** int(one["path"]) for one in said["ome"]["multiscales"][0]["datasets"]]
        arrays: dict[int, Any] = {step: group[_path(step)] for step in steps}
    except ReadError:
        raise
    except DAMAGE as error:
        raise ReadError(f"{kept.folder} is damaged: {error}. Try {MAKE}.") from error
    sizes = dict(zip(dims, shape, strict=True))
    before = [size for dim, size in sizes.items() if dim not in ("y", "x")]
    for step, array in arrays.items():
        expected = (*before, -(-sizes["y"] // step), -(-sizes["x"] // step))
        if not isinstance(array, zarr.Array) or array.shape != expected or array.dtype.kind not in "iuf":
            raise ReadError(f"{kept.folder} is damaged: overview {_path(step)} does not fit its map. Try {MAKE}.")
    return {
        step: da.from_array(
            Guarded(array, str(kept.folder), kept.limit), chunks=array.chunks, name=False, meta=np.empty(0, array.dtype)
        )
        for step, array in arrays.items()
    }
