"""A result for the next program: FITS, GeoTIFF, ENVI, HyperSpy, NetCDF, TIFF, CSV, with all that the input knew of itself.

`formats` is the table of formats, `source` what each of them gets, `places` how files take their places; one file per format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import NotFound, ParameterError, called
from spaxel.exporting.formats import FORMATS, asked, check_lists, is_file_name
from spaxel.exporting.places import file_name, files_to_fill, folder_to_fill
from spaxel.exporting.source import Source, cube_name, make_source
from spaxel.results.convention import check_result
from spaxel.results.walk import bounded
from spaxel.store.addresses import address_of
from spaxel.store.copies import remote_of
from spaxel.store.cuts import open_cut
from spaxel.store.here import check_local
from spaxel.store.provenance import about as versions_of
from spaxel.store.remote import listed
from spaxel.store.run_folder import RESULT, read_json, read_run

__all__ = ["FORMATS", "export"]


def export(
    run: str | Path | xr.Dataset,
    path: str | Path | None = None,
    *,
    to: str | Sequence[str] = (),
    level: int | None = None,
    what: str | Sequence[str] = (),
    cut: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    memory: int | None = None,
) -> Path:
    """Write the maps, spectra and tables of a run for other programs.

    run   : a run folder, also one of several cubes, or a result
    path  : a folder to make (default: RUN-export beside the run; needed for a result), to which a second export adds; or a
            file, whose suffix then says the format: map.tif (labels; with its style), all.fits, all.nc …
    to    : fits, geotiff, envi, hspy, netcdf, tiff (ImageJ, napari), csv, png, svg, pdf, qml; several as a list or with
            commas
    level : another number of components, as spaxel.cut; the run stays as it is
    what  : labels, abundances, confidence, residual, unlike, line_maps, spectra, components; all that the result has where not
            given, but of an image no list of its pixels (csv), which can be asked for by naming a map
    cut   : the name of a cut that is kept beside the run (`spaxel cut --save-as`)      overwrite : replace files that are there
    resume : go on with an export into a folder that was killed: formats that are finished are not written again
    memory : bytes of maps that are held at once; the files are the same whatever it is
    returns   : the folder or the file
    Pixel [y, x] of every map is pixel [y, x] of the cube. Maps are read and written piece by piece. Of several cubes each
    gets a folder of its own. All is written beside and takes its place when it is whole.
    Raises NotFound, ParameterError (format, level, item), CubeError (a list of spectra as an image), Exists, MissingExtra;
    ParameterError if what was interrupted is another export, or to resume one that is a single file.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> result = spaxel.KMeans(n_clusters=3).fit(cube).predict(cube)
    >>> folder = spaxel.export(result, "for-others", to="netcdf,csv")
    >>> sorted(file.name for file in folder.iterdir())
    ['components.csv', 'export.json', 'result.nc', 'spectra.csv']
    """
    with bounded(memory):
        return _exported(run, path, to, level, what, cut, overwrite=overwrite, resume=resume)


def _exported(
    run: str | Path | xr.Dataset,
    path: str | Path | None,
    to: str | Sequence[str],
    level: int | None,
    what: str | Sequence[str],
    cut: str | None,
    *,
    overwrite: bool,
    resume: bool,
) -> Path:
    formats = asked(to, None if path is None else Path(path))
    wanted = tuple(item for text in ([what] if isinstance(what, str) else what) for item in _items(text))
    cubes, where = _cubes(run, cut)
    if path is None and isinstance(run, (str, Path)) and address_of(run):
        raise ParameterError(f"{run} is an address, so nothing lies beside it. Try --out FOLDER.")
    place = check_local(path if path is not None else _default(where), write=True)
    if is_file_name(place, formats):
        if resume:
            raise ParameterError(f"{place} is one file, which is written anew. Try without --resume.")
        return _as_file(cubes, place, formats[0], level, wanted, overwrite=overwrite)
    about = {
        "run": called(str(where.resolve())) if where else "",
        "level": level,
        "cut": cut,
        "formats": formats,
        "what": list(wanted),
    }
    sources = [(inside, make_source(*cube, wanted, level)) for inside, cube in cubes.items()]
    for _, source in sources:
        check_lists(source, formats)
    if resume and where is None:
        raise ParameterError("A result in memory cannot be told from another one. Try resume with the folder of a run.")
    key = lambda: _key(about, cubes, where)  # noqa: E731
    with folder_to_fill(place, about, key, overwrite=overwrite, resume=resume) as (folder, pieces):
        for inside, source in sources:
            (folder / inside).mkdir(exist_ok=True)
            for name in formats:
                if f"{inside}/{name}" not in pieces.done:
                    made = _write(name, source, folder / inside, explicit=bool(wanted))
                    names = [file.relative_to(folder).as_posix() for file in made]
                    pieces.finished(f"{inside}/{name}", names, made)
    return place


def _items(text: str) -> list[str]:
    return [item.strip().lower() for item in text.split(",") if item.strip()]


def _cubes(
    run: str | Path | xr.Dataset, kept: str | None
) -> tuple[dict[str, tuple[xr.Dataset, dict[str, Any], str]], Path | None]:
    """{folder inside: (result, run.json, name)}, and where the run lies."""
    if isinstance(run, xr.Dataset):
        if kept is not None:
            raise ParameterError("A result has no kept cuts. Try the folder of its run, or spaxel.cut.")
        result = check_result(run)
        return {"": (result, {}, cube_name(result, {}))}, None
    folder = check_local(run)
    about = read_json(folder)
    inside = list(about.get("inputs", {}))
    if not inside:
        about, result = _opened(folder, kept)
        return {"": (result, about, cube_name(result, about, folder))}, folder
    there = [name for name in inside if (folder / name / RESULT).is_dir()]
    if not there:
        raise NotFound(f"{folder} holds no {RESULT}, in none of its cubes. Try to segment again.")
    opened = {name: _opened(folder / name, kept) for name in there}
    return {name: (result, {**about, **own}, name) for name, (own, result) in opened.items()}, folder


def _opened(folder: Path, kept: str | None) -> tuple[dict[str, Any], xr.Dataset]:
    return read_run(folder) if kept is None else open_cut(folder, kept)


def _default(where: Path | None) -> Path:
    if where is None:
        raise ParameterError("There is no path to write a result to. Try spaxel.export(result, 'folder', to='fits').")
    where = where.resolve()
    return where.with_name(f"{where.name}-export")


def _key(about: dict[str, Any], cubes: Iterable[str], where: Path | None) -> dict[str, Any]:
    """What decides the bits of an export: what is asked, the run as it is now, and the versions."""
    key = about | {"versions": versions_of("", None)["versions"]}
    if where is None:
        return key
    if remote_of(where):
        return key | {"content": listed(where)[1]}
    for folder in {where, *(where / inside for inside in cubes)}:
        told = [f"{file.relative_to(where)} {file.stat().st_size} {file.stat().st_mtime_ns}"
                for file in sorted(folder.iterdir()) if file.suffix != ".html"]  # fmt: skip
        key[f"content of {folder.relative_to(where)}"] = told
    return key


def _write(name: str, source: Source, folder: Path, *, explicit: bool) -> list[Path]:
    """One format in a folder; the files that were made."""
    form = FORMATS[name]
    if name == "csv" and not explicit and not source.is_list:
        source = make_source(source.result, source.run, source.name, ("spectra", "components"))
    own = folder / f".{name}"
    own.mkdir(exist_ok=True)  # there, and empty, if it was interrupted
    form.write(source, own / f"{file_name(source.name)}{form.suffix}" if form.whole else own)
    made = list(own.iterdir())
    if not made:
        raise ParameterError(f"{name} cannot hold {', '.join(source.what)}. Try csv, netcdf or fits for that.")
    for file in made:
        file.replace(folder / file.name)
    own.rmdir()
    return [folder / file.name for file in made]


def _as_file(
    cubes: dict[str, Any], path: Path, name: str, level: int | None, what: tuple[str, ...], *, overwrite: bool
) -> Path:
    """One format as the file that was named; of a format of several files its main one, or the only item that is asked for."""
    form = FORMATS[name]
    if len(cubes) > 1:
        raise ParameterError(f"{path} is one file, and the run has {len(cubes)} cubes. Try the name of a folder.")
    if not form.whole and len(what) > 1:
        raise ParameterError(f"{path} holds one map of {name}, and {len(what)} items are asked for. Try a folder.")
    result, run, called = next(iter(cubes.values()))
    item = what or (() if form.whole else (form.main,))
    source = make_source(result, run, called, item, level)
    check_lists(source, [name])
    if form.whole:
        with files_to_fill(path, path.stem, overwrite=overwrite) as folder:
            form.write(source, folder / path.name)
        return path
    with files_to_fill(path, item[0] + ("_imagej" if name == "tiff" else ""), overwrite=overwrite) as folder:
        form.write(source, folder)
    return path
