"""FITS: cubes of integral-field spectrographs, mapped lazily in their big-endian dtype, with variance and WCS."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import NotFound, ReadError, missing_extra
from spaxel.readers.parts.axis import Axis, fault_of
from spaxel.readers.parts.choice import PICTURE, Candidate, clear_winner
from spaxel.readers.parts.fits_axis import axis_beside
from spaxel.readers.parts.fits_beside import BESIDE, SCIENCE, arrays_beside, last_word, survey_of
from spaxel.readers.parts.fits_check import check_headers
from spaxel.readers.parts.fits_image import Image, image_data
from spaxel.readers.parts.fits_wcs import axis_values, is_declared, pixel_scale, read_wcs, spectral_axis
from spaxel.readers.parts.lazy import check_axis_number
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.side import settle_axis

_SIGNATURE = b"SIMPLE  ="


def open_fits(
    path: str | Path,
    *,
    dataset: str | int | None = None,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The cube in a FITS file: the only 3-D image, or the one named DATA, SCI, FLUX …; axes of length 1 beyond are dropped.

    dataset      : name (EXTNAME) or number of the HDU, if there are several
    channel_axis : 0, 1 or 2 in NumPy's order (0 is the last axis of FITS), if the WCS does not declare it
    channel      : axis values, a file with them, or "index" to number the channels; else the WCS, in the file's unit,
                   or an extension WAVE, LAMBDA, ENERGIES … (an image of one row, or a table)
    units        : of the axis, if the header does not say it
    `variance` is STAT, VAR …, 1 / IVAR, or ERR squared, if one of the same shape is there (where IVAR is 0: infinite, and the
    value is missing). Extensions MASK, DQ, BADPIX … hide values where they are not 0; of MaNGA and JWST only the bits count
    that their surveys call useless. BSCALE, BZERO and BLANK are declared for the door. attrs: wcs_header, origin "lower".
    Raises MissingExtra without astropy, ReadError (truncated, no or several cubes), NotFound, CubeError, AxisError.
    """
    path = Path(path)
    with _opened(path) as hdus:
        images = list(_images(path, hdus))
        chosen, doubtful = _choose(path, images, dataset)
        wcs = read_wcs(chosen.header, hdus)
        at, guess = _channels(path, chosen, channel_axis)
        spectra, declared = image_data(path, chosen, at)
        axis = _axis(chosen, wcs, hdus, chosen.kept[at])
        values, told, doubt = settle_axis(path, axis, spectra.shape[2], channel, units)
        found, more, history = arrays_beside(path, chosen, images, at, survey_of([hdu.header for hdu in hdus]))
        attrs = {"wcs_header": wcs.to_header_string(relax=True)} | pixel_scale(wcs) if wcs is not None else {}
    cube = make_cube(
        spectra,
        values,
        told,
        **found,
        beside=declared.beside() | more,
        source=str(path),
        origin="lower",
        dataset=chosen.name,
        **attrs,
    )
    if "BUNIT" in chosen.header:
        cube["spectra"].attrs["units"] = str(chosen.header["BUNIT"])
    for sentence in history:
        cube = note(cube, sentence)
    for sentence in (*doubtful, *guess, *doubt):
        cube = note_guess(cube, sentence)
    return cube


def image_array(path: Path, name: str | None, shape: tuple[int, ...]) -> np.ndarray:
    """An image of a FITS file that is no cube: the one of this name or number, else the first (y, x) that has this shape.

    shape : (y, x, channel) of the cube that it belongs to      Raises NotFound, ReadError.
    """
    with _opened(path) as hdus:
        images = list(_images(path, hdus))
        wanted = [i for i in images if name is not None and name.strip().lower() in (i.name.lower(), str(i.number))]
        wanted = wanted or [i for i in images if name is None and i.shape == shape[:2]]
        held = "; ".join(f"{i.number} {i.name} {i.shape}" for i in images) or "no image"
        if not wanted:
            raise NotFound(f"{path} has no image {name or f'of {shape[0]} x {shape[1]} pixels'}. It has: {held}.")
        return np.asarray(wanted[0].hdu.data)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The HDUs of a file, headers only; ReadError where astropy finds it cut."""
    try:
        from astropy.io import fits
    except ImportError as error:
        raise missing_extra("Reading FITS", "astropy", "fits") from error
    check_headers(path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
            count = len(hdus)
            warnings.simplefilter("ignore")
            _check_complete(path, hdus[count - 1], [str(warning.message) for warning in told])
            yield hdus


def _check_complete(path: Path, last: Any, messages: list[str]) -> None:
    place = last.fileinfo()
    with path.open("rb") as file:
        file.seek(place["datLoc"] + place["datSpan"])
        cut_header = file.read(8) == b"XTENSION"
    for message in messages:
        if "truncated" in message or ("Error validating header" in message and cut_header):
            reason = message.partition("\n")[0]
            raise ReadError(f"{path} is truncated: astropy says {reason!r} Try to copy the file again.")


def _images(path: Path, hdus: Any) -> Iterator[Image]:
    from astropy.io import fits

    with path.open("rb") as file:
        plain = file.read(len(_SIGNATURE)) == _SIGNATURE
    for number, hdu in enumerate(hdus):
        if hdu.is_image and len(hdu.shape) >= 1:
            name = str(hdu.header.get("EXTNAME", "PRIMARY" if number == 0 else "")).strip() or str(number)
            mapped = plain and not isinstance(hdu, fits.CompImageHDU)
            offset = hdu.fileinfo()["datLoc"] if mapped else None
            yield Image(number, name, tuple(int(n) for n in hdu.shape), hdu.header, hdu, offset)


def _choose(path: Path, images: list[Image], dataset: str | int | None) -> tuple[Image, list[str]]:
    """The image that holds the spectra, and a sentence if it was guessed: see spaxel.readers.parts.choice."""
    held = "; ".join(f"{i.number} {i.name} {i.shape}" for i in images) or "no image"
    if dataset is not None:
        for image in images:
            if str(dataset).strip().lower() in (image.name.lower(), str(image.number)):
                return image, []
        raise NotFound(f"{path} has no image HDU {dataset!r}. It has: {held}.")
    cubes = [i for i in images if len(i.shape) >= 3 and sum(n > 1 for n in i.shape) <= 3]
    science = [i for i in cubes if last_word(i.name, BESIDE) is None]
    named = [i for word in SCIENCE for i in science if i.name.upper() == word]
    if len(science) == 1 or named:
        return (named[0] if named else science[0]), []
    if not science:
        raise ReadError(f"{path} holds no image with three axes. It has: {held}. Try dataset=…")
    found = [Candidate(str(n), 0, _n_channels(image), image.shape) for n, image in enumerate(science)]
    winner, why = clear_winner([c for c in found if c.channels > PICTURE] or found)
    if winner is None:
        raise ReadError(f"{path} holds several cubes: {held}. Try dataset=… with a name or a number.")
    chosen = science[int(winner.name)]
    why = why or "the only one of more than 4 channels"
    return chosen, [f"{path.name} holds {held}; took {chosen.number} {chosen.name}, {why}. Option dataset decides."]


def _n_channels(image: Image) -> int:
    declared = spectral_axis(image.header, len(image.shape))
    return image.shape[len(image.shape) - declared] if declared else image.shape[image.kept[0]]


def _channels(path: Path, image: Image, channel_axis: int | None) -> tuple[int, list[str]]:
    """The NumPy axis of the channels among the three kept, and sentences of what was guessed."""
    kept = image.kept
    if len(kept) != 3:
        raise ReadError(f"{path}: HDU {image.name} has axes {image.shape}, a cube has three. Try another dataset.")
    declared = spectral_axis(image.header, len(image.shape))
    guess = []
    if channel_axis is not None:
        at = check_axis_number(channel_axis, 3)
    elif declared is not None and len(image.shape) - declared in kept:
        at = kept.index(len(image.shape) - declared)
    else:
        at = 0
        guess = [
            f"{path.name} declares no spectral axis; took the last axis of FITS (NumPy axis 0, "
            f"{image.shape[kept[0]]} channels), as is the custom. Option channel_axis decides."
        ]
    return at, guess


def _axis(image: Image, wcs: Any, hdus: Any, at: int) -> Axis | None:
    """The axis of a header that declares it; else an extension that holds it (WAVE, ENERGIES), else what the header has."""
    number = len(image.shape) - at
    told = axis_values(image.header, wcs, number)
    if told is not None and is_declared(image.header, number) and not fault_of(told.values):
        return told
    return axis_beside(hdus, image.shape[at]) or told


def _sniff(path: Path, head: bytes) -> bool:
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(31).decompress(head, len(_SIGNATURE))
        except zlib.error:
            return False
    return head.startswith(_SIGNATURE)


reader = Reader(
    "fits",
    "a FITS file",
    (".fits", ".fit", ".fts", ".fits.gz"),
    _sniff,
    open_fits,
    "fits",
    formats=(
        Format(
            "FITS",
            ".fits, .fit, .fts, .fits.gz",
            "yes (.gz: no)",
            "WCS, or an extension WAVE, LAMBDA, ENERGIES",
            "NaN, BLANK, extensions MASK, DQ, IVAR = 0",
        ),
    ),
)
