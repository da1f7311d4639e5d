"""FITS: cubes of integral-field spectrographs, mapped lazily in their big-endian dtype, with variance and WCS."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import NotFound, ReadError, missing_extra
from spaxel.readers.parts.axis import Axis, fault_of
from spaxel.readers.parts.fits_axis import axis_beside
from spaxel.readers.parts.fits_wcs import axis_values, is_declared, read_wcs, spectral_axis
from spaxel.readers.parts.lazy import FileArray, arrange, check_axis_number, lazy_array
from spaxel.readers.parts.noise import KINDS, WORDS, as_variance
from spaxel.readers.parts.physical import unpacked
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.parts.stored import Stored, numbers_of, usable_scale
from spaxel.readers.registry import Reader

_SCIENCE = ("DATA", "SCI", "SCIENCE", "FLUX", "PRIMARY", "SPECTRA", "CUBE")
_SIGNATURE = b"SIMPLE  ="
_MASKS = ("DQ", "MASK", "BADPIX", "BPM", "QUALITY", "FLAGS")
_BESIDE = (*KINDS, *_MASKS, "WMAP", "WEIGHT", "WEIGHTS", "EXP", "EXPOSURE", "COVERAGE", "PSF", "DISP", "PREDISP")


class Image(NamedTuple):
    """An image HDU: number, name, shape in NumPy's order, header, and where its data start (None: they are compressed)."""

    number: int
    name: str
    shape: tuple[int, ...]
    header: Any
    hdu: Any
    offset: int | None

    @property
    def kept(self) -> list[int]:
        """Its axes, without those of length 1 beyond three (Stokes); the declared spectral axis stays."""
        axes = list(range(len(self.shape)))
        declared = spectral_axis(self.header, len(axes))
        for axis in range(len(self.shape)):
            if len(axes) > 3 and self.shape[axis] == 1 and declared != len(self.shape) - axis:
                axes.remove(axis)
        return axes


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
    `variance` is STAT, VAR …, 1 / IVAR, or ERR squared, if one of the same shape is there (where IVAR is 0: infinite, the
    value is missing, and `valid` is False where it is 0 in every channel). BSCALE, BZERO and BLANK are declared for
    the door. attrs: wcs_header, origin "lower". A mask extension is named in the history and not used.
    Raises MissingExtra without astropy, ReadError (truncated, no or several cubes), NotFound, CubeError, AxisError.
    """
    path = Path(path)
    with _opened(path) as hdus:
        images = list(_images(path, hdus))
        chosen = _choose(path, images, dataset)
        wcs = read_wcs(chosen.header, hdus)
        at, guess = _channels(path, chosen, channel_axis)
        spectra, declared = _data(path, chosen, at)
        axis = _axis(chosen, wcs, hdus, chosen.kept[at])
        values, told, doubt = settle_axis(path, axis, spectra.shape[2], channel, units)
        found, history = _beside(path, chosen, images, at)
        attrs = {"wcs_header": wcs.to_header_string(relax=True)} if wcs is not None else {}
    cube = make_cube(
        spectra,
        values,
        told,
        **found,
        beside=declared.beside(),
        source=str(path),
        origin="lower",
        dataset=chosen.name,
        **attrs,
    )
    if "BUNIT" in chosen.header:
        cube["spectra"].attrs["units"] = str(chosen.header["BUNIT"])
    for sentence in history:
        cube = note(cube, sentence)
    for sentence in (*guess, *doubt):
        cube = note_guess(cube, sentence)
    return cube


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The HDUs of a file, headers only; ReadError where astropy finds it cut."""
    try:
        from astropy.io import fits
    except ImportError as error:
        raise missing_extra("Reading FITS", "astropy", "fits") from error
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


def _choose(path: Path, images: list[Image], dataset: str | int | None) -> Image:
    held = "; ".join(f"{i.number} {i.name} {i.shape}" for i in images) or "no image"
    if dataset is not None:
        for image in images:
            if str(dataset).strip().lower() in (image.name.lower(), str(image.number)):
                return image
        raise NotFound(f"{path} has no image HDU {dataset!r}. It has: {held}.")
    cubes = [i for i in images if len(i.shape) >= 3 and sum(n > 1 for n in i.shape) <= 3]
    science = [i for i in cubes if _word(i.name, _BESIDE) is None]
    named = [i for word in _SCIENCE for i in science if i.name.upper() == word]
    if len(science) == 1 or named:
        return named[0] if named else science[0]
    if not science:
        raise ReadError(f"{path} holds no image with three axes. It has: {held}. Try dataset=…")
    raise ReadError(f"{path} holds several cubes: {held}. Try dataset=… with a name or a number.")


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


def _data(path: Path, image: Image, at: int) -> tuple[Any, Stored]:
    """The numbers of an image as (y, x, channel), lazy unless the file is compressed, and what its header declares of them.

    at : axis of the channels      Unsigned integers, which FITS stores with an offset of half their range, come as such.
    """
    bits = int(image.header["BITPIX"])
    shape = tuple(image.shape[axis] for axis in image.kept)
    if image.offset is None:
        raw = arrange(np.asarray(image.hdu.data).reshape(shape), at)
    else:
        dtype = np.dtype({8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}[bits])
        source = FileArray(path, dtype, shape, image.offset).check_size()
        raw = lazy_array(source, path=path, part=f"hdu {image.number}", channel_axis=at)
    scale, zero = (image.header.get(name, plain) for name, plain in (("BSCALE", 1), ("BZERO", 0)))
    blank = numbers_of(image.header.get("BLANK", ())) if raw.dtype.kind in "iu" else ()
    unsigned = {16: "u2", 32: "u4", 64: "u8"}.get(bits) if scale == 1 and zero == 2 ** (bits - 1) else None
    if unsigned:
        dtype, blank, zero = np.dtype(unsigned), tuple(value + 2 ** (bits - 1) for value in blank), 0
        raw = _unsigned(raw, dtype) if image.offset is None else raw.map_blocks(_unsigned, dtype, dtype=dtype)
    factor, shift = usable_scale(numbers_of(scale), 1), usable_scale(numbers_of(zero), 1, zero=True)
    plain = (factor, shift) == (1, 0)
    used = [n for n in ("BLANK", "BSCALE", "BZERO") if n in image.header and (blank if n == "BLANK" else not plain)]
    origin = f"{', '.join(used)} of {image.name}" if used else ""
    return raw, Stored(blank, None, None if plain else factor, None if plain else shift, None, origin)


def _unsigned(raw: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return raw.astype(dtype) + dtype.type(2 ** (8 * dtype.itemsize - 1))  # modulo 2**bits, which is what FITS means


def _beside(path: Path, chosen: Image, images: list[Image], at: int) -> tuple[dict[str, Any], list[str]]:
    """Arguments variance and valid of make_cube from the other extensions, and sentences for the history."""
    science = _word(chosen.name, _SCIENCE) or ""
    ours = {"", chosen.name.upper(), chosen.name.upper().removesuffix(science).rstrip("._- ")}
    found: dict[str, Any] = {}
    history = []
    for image in images:
        word = _word(image.name, (*KINDS, *_MASKS))
        prefix = image.name.upper().removesuffix(word or "").rstrip("._- ")
        if word is None or image.number == chosen.number or image.shape != chosen.shape or prefix not in ours:
            continue
        if word in _MASKS:
            history.append(f"the file also holds a mask {image.name}, which is not used")
        elif "variance" not in found:
            found |= _variance(unpacked(*_data(path, image, at)), KINDS[word])
            history.append(f"variance from {image.name} ({WORDS[KINDS[word]]})")
    return found, history


def _variance(values: Any, kind: str) -> dict[str, Any]:
    known = {"valid": (values > 0).any(-1)} if kind == "inverse" else {}
    return {"variance": as_variance(values, kind)} | known


def _word(name: str, words: Sequence[str]) -> str | None:
    """The last word of an extension's name, if it is one of these: 'IFU.1.NOISE' -> 'NOISE'."""
    last = re.split(r"[^A-Z0-9]+", name.upper())[-1]
    return last if last in words else None


def _sniff(path: Path, head: bytes) -> bool:
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(31).decompress(head, len(_SIGNATURE))
        except zlib.error:
            return False
    return head.startswith(_SIGNATURE)


reader = Reader("fits", "a FITS file", (".fits", ".fit", ".fts", ".fits.gz"), _sniff, open_fits, "fits")
