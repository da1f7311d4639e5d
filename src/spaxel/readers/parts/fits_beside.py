"""Extensions beside the cube of a FITS file: variances, and masks by the bits that each survey defines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.readers.parts.fits_image import Image, image_data
from spaxel.readers.parts.noise import KINDS, WORDS, as_variance
from spaxel.readers.parts.physical import unpacked
from spaxel.readers.parts.quality import flagged

SCIENCE = ("DATA", "SCI", "SCIENCE", "FLUX", "PRIMARY", "SPECTRA", "CUBE")
_MASKS = ("DQ", "MASK", "BADPIX", "BPM", "QUALITY", "QUAL", "FLAGS", "VALID", "GOOD", "GPM")
_USE = ("VALID", "GOOD", "GPM")  # where 1 means use
BESIDE = (*KINDS, *_MASKS, "WMAP", "WEIGHT", "WEIGHTS", "EXP", "EXPOSURE", "COVERAGE", "PSF", "DISP", "PREDISP")
_BITS = {  # bits that make a value useless; the others inform
    "MANGA_DRP3PIXMASK": (0, 2, 3, 10),  # NOCOV, DEADFIBER, FORESTAR, DONOTUSE: Law et al. 2016, Table 14
    "MANGA_DAPSPECMASK": (0, 1, 2, 3, 4),  # IGNORED, FORESTAR, FLUXINVALID, IVARINVALID, ARTIFACT: Westfall et al. 2019
    "JWST": (0,),  # DO_NOT_USE: jwst-pipeline, data quality flags
}


def arrays_beside(
    path: Path, chosen: Image, images: list[Image], at: int, survey: str | None
) -> tuple[dict[str, Any], dict[str, tuple[Any, ...]], list[str]]:
    """From the other extensions: (argument variance of make_cube, its argument beside, sentences for the history).

    at : the axis of the channels of `chosen`      survey : of `survey_of`
    """
    science = last_word(chosen.name, SCIENCE) or ""
    ours = {"", chosen.name.upper(), chosen.name.upper().removesuffix(science).rstrip("._- ")}
    found: dict[str, Any] = {}
    flags: dict[str, tuple[Any, ...]] = {}
    history = []
    for image in images:
        word = last_word(image.name, (*KINDS, *_MASKS))
        prefix = image.name.upper().removesuffix(word or "").rstrip("._- ")
        if word is None or image.number == chosen.number or prefix not in ours:
            continue
        if word in _MASKS:
            flags |= _flags(path, image, chosen, at, survey)
        elif "variance" not in found and image.shape == chosen.shape:
            values = unpacked(*image_data(path, image, at))
            found["variance"] = as_variance(values, KINDS[word])
            history.append(f"variance from {image.name} ({WORDS[KINDS[word]]})")
    return found, flags, history


def _flags(path: Path, image: Image, chosen: Image, at: int, survey: str | None) -> dict[str, tuple[Any, ...]]:
    """A mask of the size of the cube, or of its image, as `flagged` gives it; {} if it has another size."""
    plane = tuple(n for axis, n in enumerate(chosen.shape) if axis != chosen.kept[at])
    if image.shape == chosen.shape:
        values, _ = image_data(path, image, at)
    elif len(chosen.shape) == 3 and image.shape == plane:
        values = np.asarray(image.hdu.data)
        values = values.astype(np.int64) + int(image.header.get("BZERO", 0)) if values.dtype.kind in "iu" else values
    else:
        return {}
    use = f"no data where {image.name} is 0 (1 means use); mask=none leaves it unused"
    if last_word(image.name, _USE):
        return flagged(image.name, values == 0, use)
    if survey is None and _calls_the_middle_bad(image, values):
        guess = (
            f"{image.name} is 1 in the middle of the image, so 1 is taken as use. Options mask_invert and mask decide."
        )
        return flagged(image.name, values == 0, use, guess)
    if survey and values.dtype.kind in "iu":
        bits = _BITS[survey]
        absent, named = (
            (values & sum(1 << bit for bit in bits)) != 0,
            f"has bit {', '.join(map(str, bits))} of {survey}",
        )
    else:
        absent, named = values != 0, "is not 0"
    return flagged(image.name, absent, f"no data where {image.name} {named}; mask=none leaves it unused")


def _calls_the_middle_bad(image: Image, values: Any) -> bool:
    """Whether a mask of 0 and 1, read as flags of what is bad, would leave out more than half of the middle of the image."""
    if last_word(image.name, ("MASK", "QUALITY", "QUAL")) is None:
        return False
    rows, columns = (slice(max(0, n // 2 - 16), n // 2 + 16) for n in values.shape[:2])
    middle = np.asarray(values[rows, columns])
    return bool(np.isin(middle, (0, 1)).all() and (middle == 1).mean() > 0.5)


def survey_of(headers: Sequence[Any]) -> str | None:
    """The survey whose bits the masks of a file have, from its headers; None if any bit is bad (MUSE, and others)."""
    names = {str(header.get("MASKNAME", "")).strip().upper() for header in headers}
    if known := next((name for name in _BITS if name in names), None):
        return known
    if any(str(header.get("INSTRUME", "")).strip().upper() == "MANGA" or "VERSDRP3" in header for header in headers):
        return "MANGA_DRP3PIXMASK"
    return "JWST" if any(str(header.get("TELESCOP", "")).strip().upper() == "JWST" for header in headers) else None


def last_word(name: str, words: Sequence[str]) -> str | None:
    """The last word of an extension's name, if it is one of these: 'IFU.1.NOISE' -> 'NOISE'."""
    last = re.split(r"[^A-Z0-9]+", name.upper())[-1]
    return last if last in words else None
