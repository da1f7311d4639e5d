"""A run is a folder: plain text, plain arrays, no pickle.

    run.json            method, parameters, what was learned in words, seed, versions, command, input, seconds
    arrays.safetensors  what was learned in numbers (a run made by `predict` has none: `model` names the run that has)
    history.jsonl       one line per stage of the work
    result.zarr         the result, see spaxel.results.convention
    overviews.zarr      its large maps made smaller, see spaxel.store.overviews; without it they are read block by block
    report.html         the page for people
    components.csv      names, sizes, shares, areas of the components; spectra.csv: their means and spreads along the axis
    labels.csv          of a list of spectra: their names, groups, components
    activation.csv      of labels: which components are in the cube, and their share
    shares.csv          of several cubes: the share of each component in each, its standard error, what is expected to be wrong
    cuts/               other components that are kept under a name, see spaxel.store.cuts

It is written beside its place and renamed, so that a killed process leaves either the old run or the new one. A run at an
address (s3://…) is read by what stands for it here (spaxel.store.copies), and sent there when it is whole (uploads).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import dask.threaded
import numpy as np
import xarray as xr
from safetensors import safe_open
from safetensors.numpy import save

from spaxel.cube.stored import is_lazy
from spaxel.errors import NotFound, ReadError
from spaxel.results.convention import SPECTRA_NAMES, check_result
from spaxel.store import records
from spaxel.store.consistent import consistent
from spaxel.store.guarded import CHECKSUM, DAMAGE, WHOLE, checksum, guarded_encoding, in_chunks, open_guarded
from spaxel.store.here import check_local
from spaxel.store.overviews import attach, drop_overviews, write_overviews
from spaxel.store.places import check_names, placed
from spaxel.store.records import read_plain
from spaxel.store.writing import replacing

FORMAT = "spaxel-run"
VERSION = 1
RUN, ARRAYS, HISTORY, RESULT = "run.json", "arrays.safetensors", "history.jsonl", "result.zarr"
ACTIVATION = "activation.csv"
SHARES = "shares.csv"


def is_run(path: Path) -> bool:
    """Whether a folder says of itself that it is a run."""
    try:
        return json.loads((check_local(path) / RUN).read_text("utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


@contextmanager
def new_run(path: str | Path, *, overwrite: bool = False, resume: bool = False) -> Iterator[Path]:
    """A folder to fill, which takes its place when the block ends well, and vanishes otherwise.

    resume : go on with what spaxel.store.unfinished kept of one that was interrupted
    Raises Exists if something is there and `overwrite` is not given, or if what is there is not a run.
    """
    with replacing(path, overwrite=overwrite, owned=is_run, resume=resume) as folder:
        folder.mkdir(exist_ok=resume)
        yield folder


def write_json(folder: Path, run: dict[str, Any]) -> None:
    """Write run.json into a folder. Values must be JSON (numbers of NumPy become Python's)."""
    text = json.dumps({"format": FORMAT, "version": VERSION, **run}, indent=1, default=_plain, ensure_ascii=False)
    with placed(folder, RUN) as beside:
        beside.write_text(text + "\n", "utf-8")


def write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays.safetensors into a folder."""
    held = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    content = save(held, {CHECKSUM: checksum(held)})
    with placed(folder, ARRAYS) as beside:
        beside.write_bytes(content)  # save_file would let nobody else read it


def write_history(folder: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Write history.jsonl into a folder, one line per dict."""
    with placed(folder, HISTORY) as beside:
        beside.write_text("".join(json.dumps(line, default=_plain) + "\n" for line in lines), "utf-8")


def as_stored(result: xr.Dataset) -> xr.Dataset:
    """A result as result.zarr has it: names are an attribute, and all attributes plain values."""
    texts = ("criterion", "scaling", "component", "line", *SPECTRA_NAMES)
    names = {name: [str(v) for v in result[name].values] for name in texts if name in result.coords}
    plain = result.drop_vars(names).assign_attrs({"names": names, WHOLE: True})
    plain.attrs = json.loads(json.dumps(plain.attrs, default=_plain))
    return plain


def write_result(folder: Path, result: xr.Dataset) -> None:
    """Write result.zarr into a folder, and overviews.zarr if its maps are large."""
    plain = as_stored(result)
    drop_overviews(folder)
    here = dask.config.set(scheduler=dask.threaded.get)  # no other machine may see this folder
    with placed(folder, RESULT) as beside, warnings.catch_warnings(), here:
        warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)  # so that nobody is warned who reads
        in_chunks(plain).to_zarr(
            beside,
            mode="w",
            zarr_format=3,
            consolidated=True,
            write_empty_chunks=True,
            encoding=guarded_encoding(plain),
        )
    write_overviews(folder, open_guarded(folder / RESULT) if is_lazy(result["labels"].data) else result)


def read_json(path: str | Path) -> dict[str, Any]:
    """The contents of run.json. Every verb reads it here, so that names of folders are checked here and nowhere else.

    Raises NotFound if there is no run, ReadError if it is damaged, too new, or names a folder that is not its own.
    """
    path = check_local(path)
    if not (path / RUN).is_file():
        raise NotFound(f"{path} is no run: it holds no {RUN}. Try the folder that was given to --out.")
    run = read_plain(path / RUN, records.Run, "to segment again")
    check_names(path, run)
    return run


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The learned arrays of a run. Raises NotFound if it has none, ReadError if they are damaged."""
    file = check_local(path) / ARRAYS
    if not file.is_file():
        raise NotFound(f"{path} holds no fitted model ({ARRAYS}). Try the run that `segment` wrote.")
    try:
        with safe_open(file, "numpy") as held:
            said = (held.metadata() or {}).get(CHECKSUM)
            found = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118
    except DAMAGE as error:
        raise ReadError(f"{file} is damaged: {error}. Try to fit again.") from error
    if said is not None and said != checksum(found):
        raise ReadError(f"{file} is damaged: its numbers are not those that were written. Try to fit again.")
    return found


def read_result(path: str | Path) -> xr.Dataset:
    """The result of a run, lazily. Raises NotFound if it has none, ReadError if it is damaged."""
    path = check_local(path)
    folder = path / RESULT
    if not folder.is_dir():
        inside = [child.parent.name for child in sorted(path.glob(f"*/{RESULT}"))]
        several = f"one of its folders: {', '.join(inside)}" if inside else "spaxel predict, or segment again"
        if not (path / RUN).is_file():
            read_json(path)
        raise NotFound(f"{path} holds no {RESULT}. Try {several}.")
    try:
        result = open_guarded(folder)
        names = result.attrs.pop("names", {})
        named = result.assign_coords({name: (_along(name), values) for name, values in names.items()})
        return attach(consistent(check_result(named), folder), Path(path))
    except ReadError:
        raise
    except DAMAGE as error:
        raise ReadError(f"{folder} is damaged: {error}. Try to segment again.") from error


def _along(name: str) -> str:
    """The dimension of a text coordinate of a result."""
    return "y" if name in SPECTRA_NAMES else name


def read_run(path: str | Path) -> tuple[dict[str, Any], xr.Dataset]:
    """run.json and the result of a run."""
    return read_json(path), read_result(path)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
