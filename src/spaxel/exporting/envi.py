"""ENVI: a classification with class names and colours, the other maps as bands, the spectra as a library (.sli)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spaxel.errors import printable
from spaxel.exporting.envi_place import map_info
from spaxel.exporting.source import Source, about, axis_of, bands, component_planes, planes, rgb, write_piece

NONE = -9999.0  # data ignore value of the maps that are no classes
UNITS = {
    "nm": "Nanometers", "um": "Micrometers", "mm": "Millimeters", "m": "Meters", "Angstrom": "Angstroms", "1/cm": "Wavenumber",
    "GHz": "GHz", "MHz": "MHz", "": "Index",
}  # fmt: skip


def write_envi(source: Source, folder: Path) -> None:
    """labels.img (0 = no data, so component 0 is class 1), NAME.img of each other map, spectra.sli and spectra_WHAT.sli."""
    if not source.is_list:
        for name in source.maps:
            _write_map(source, name, folder / f"{name}.img")
    if "spectra" in source.what:
        for word, values in component_planes(source).items():
            _write_library(source, values, folder / ("spectra.sli" if word == "mean" else f"spectra_{word}.sli"), word)


def _write_map(source: Source, name: str, path: Path) -> None:
    """Numbers band by band (bsq), little-endian, and the header beside."""
    height, width = source.shape
    kind = "<f4" if name != "labels" else "<u1" if len(source.names) < 255 else "<u2"
    with path.open("wb") as file:
        for tile, values in planes(source, name):
            stored = values + 1 if name == "labels" else np.where(np.isfinite(values), values, NONE)
            write_piece(file, 0, source.shape, tile, stored.astype(kind))
    fields: dict[str, object] = {
        "samples": width,
        "lines": height,
        "bands": len(bands(source, name)),
        "header offset": 0,
    }
    fields |= {"file type": "ENVI Classification" if name == "labels" else "ENVI Standard"}
    fields |= {"data type": {"<u1": 1, "<u2": 12, "<f4": 4}[kind], "interleave": "bsq", "byte order": 0}
    fields |= _classes(source) if name == "labels" else {"data ignore value": f"{NONE:g}"}
    fields |= {"band names": _listed([_plain(title) for title in bands(source, name)])}
    _write_header(source, path, fields | map_info(source))


def _classes(source: Source) -> dict[str, object]:
    colors = [0, 0, 0, *rgb(source).ravel().tolist()]
    names = ["no data", *(_plain(name) for name in source.names)]
    return {"classes": len(names), "class lookup": _listed(colors), "class names": _listed(names)}


def _write_library(source: Source, values: np.ndarray, path: Path, word: str) -> None:
    axis, _, units = axis_of(source)
    np.ascontiguousarray(values, "<f4").tofile(path)
    fields: dict[str, object] = {"samples": values.shape[1], "lines": values.shape[0], "bands": 1, "header offset": 0}
    fields |= {"file type": "ENVI Spectral Library", "data type": 4, "interleave": "bsq", "byte order": 0}
    fields |= {"wavelength units": UNITS.get(units, units), "band names": _listed([f"{word} of each component"])}
    fields |= {"spectra names": _listed([_plain(name) for name in source.names])}
    fields |= {"wavelength": _listed([f"{value:.10g}" for value in axis])}
    _write_header(source, path, fields)


def _write_header(source: Source, path: Path, fields: dict[str, object]) -> None:
    told = about(source)
    words = _plain("; ".join(told[word] for word in ("title", "sentence", "software") if word in told), comma=True)
    lines = ["ENVI", f"description = {{{words}}}", *(f"{name} = {value}" for name, value in fields.items())]
    path.with_suffix(".hdr").write_text("\n".join(lines) + "\n", "utf-8")


def _listed(values: list) -> str:
    return "{" + ", ".join(map(str, values)) + "}"


def _plain(text: str, *, comma: bool = False) -> str:
    """Text that ends no list and no brace of a header."""
    kept = printable(text).replace("{", "(").replace("}", ")").replace("=", ":")
    return kept if comma else kept.replace(",", ";")
