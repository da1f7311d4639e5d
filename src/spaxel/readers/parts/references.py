"""White and dark references beside a raw scan: found by the names that Specim, Headwall and Resonon give them, and applied."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note, note_guess
from spaxel.errors import ParameterError, SpaxelError
from spaxel.readers.parts.envi_header import read_header
from spaxel.readers.parts.physical import each_block
from spaxel.readers.parts.reader import Opener

_KIND = re.compile(r"(white|dark)[\s_-]*(ref(erence)?s?|current|frame|cal(ibration)?|panel|field)?(?![a-z])", re.I)


def with_reflectance(cube: xr.Dataset, opener: Opener, *, wanted: bool, counts: bool) -> xr.Dataset:
    """The cube as reflectance, (raw - dark) / (white - dark), lazily and noted; or a warning that it could be.

    opener : open_cube      wanted : whether to divide. If not, and references lie beside a scan of raw counts, a guess says so.
    counts : whether the file holds whole numbers without a scale
    The references are the means over their lines, one for each column of the detector (one for all, if they are one column
    wide); no light above dark in the white one makes NaN. Without a dark one, dark is 0. If the headers give other exposure
    times (`tint`), the white one is scaled to that of the scan. Raises ParameterError: no white reference, or it does not fit.
    """
    files = [Path(file) for file in cube.attrs.get("files", ())]
    if not files or (not wanted and (not counts or _KIND.search(files[0].stem))):
        if wanted:
            raise ParameterError("White and dark references are known beside ENVI files only. Try reflectance=False.")
        return cube
    found = find_references(files[0])
    if not wanted:
        return _said(cube, files[0], found) if "white" in found else cube
    if "white" not in found:
        looked = "WHITEREF_NAME, whiteReference, NAME_white …"
        raise ParameterError(f"No white reference lies beside {files[0]} (looked for {looked}). Try to copy it there.")
    longer = _exposure(files[0], found["white"])
    white = _mean(cube, found["white"], opener)
    dark = _mean(cube, found["dark"], opener) if "dark" in found else np.zeros_like(white)
    names = " and ".join(path.name for path in found.values())
    words = f"reflectance: (raw - dark) / (white - dark) by {names}"
    words += "" if longer == 1 else f"; the light of the white one x {longer:g}, for the exposure time (tint)"
    cube = note(_divided(cube, (white - dark) * longer, dark), words)
    cube["spectra"].attrs["units"] = "reflectance"
    cube = cube.assign_attrs(references=[str(path) for path in found.values()])
    return cube if "dark" in found else note(cube, "no dark reference was found: dark is taken as 0")


def find_references(header: Path) -> dict[str, Path]:
    """{"white": header, "dark": header} of the references beside a scan; those with its name go before those without any.

    WHITEREF_scan.hdr and DARKREF_scan.hdr (Specim), whiteReference.hdr and darkReference.hdr (Headwall), scan_white.hdr,
    "dark current.bil.hdr" (Resonon).
    """
    own = _bare(header.name)
    found: dict[str, Path] = {}
    general: dict[str, Path] = {}
    for beside in sorted(header.parent.iterdir()):
        if beside.suffix.lower() != ".hdr" or beside == header:
            continue
        kinds = {match[1].lower() for match in _KIND.finditer(beside.name)}
        if len(kinds) != 1:
            continue
        rest = _bare(_KIND.sub("", beside.name))
        (found if rest == own else general if not rest else {}).setdefault(kinds.pop(), beside)
    return general | found


def _bare(name: str) -> str:
    """A file name without suffixes, separators and case."""
    return re.sub(r"[\s_.-]+", "", re.sub(r"(\.(hdr|raw|bil|bip|bsq|img|dat))+$", "", name, flags=re.I)).lower()


def _said(cube: xr.Dataset, header: Path, found: dict[str, Path]) -> xr.Dataset:
    names = " and ".join(path.stem for path in found.values())
    return note_guess(
        cube,
        f"{names} lie beside {header.name} and are not used: its values are raw counts. Option reflectance divides by them.",
    )


def _mean(cube: xr.Dataset, path: Path, opener: Opener) -> np.ndarray:
    """(x or 1, channel) float64: the mean of a reference over its lines. ParameterError if it does not fit the scan."""
    try:
        reference = opener(path, saturated="none")
    except SpaxelError as error:
        raise ParameterError(f"The reference {path} cannot be used: {error}") from error
    here, there = cube["spectra"].shape, reference["spectra"].shape
    same = here[2] == there[2] and np.allclose(cube["channel"].values, reference["channel"].values, rtol=1e-6)
    if not same or there[1] not in (1, here[1]):
        raise ParameterError(
            f"The reference {path} has {there[1]} columns and {there[2]} channels, the scan has {here[1]} and {here[2]}, or "
            "they are others. Try a reference that was taken with the same settings."
        )
    return np.asarray(reference["spectra"].astype(np.float64).mean("y", skipna=True).values)


def _exposure(scan: Path, white: Path) -> float:
    """Exposure time of the scan over that of the white reference, 1 where the headers do not give both."""
    times = []
    for header in (scan, white):
        try:
            times.append(float(read_header(header).get("tint", "")))
        except ValueError:
            return 1.0
    return times[0] / times[1] if min(times) > 0 and np.isfinite(times).all() else 1.0


def _divided(cube: xr.Dataset, light: np.ndarray, dark: np.ndarray) -> xr.Dataset:
    light = np.where(light > 0, light, np.nan)

    def divided(block: np.ndarray, below: np.ndarray, span: np.ndarray) -> np.ndarray:
        return ((block - below) / span).astype(np.float32)

    parts: list[Any] = [np.ascontiguousarray(part) for part in (dark, light)]
    return each_block(cube, divided, *parts, dtype=np.dtype(np.float32))
