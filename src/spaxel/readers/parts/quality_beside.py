"""Quality arrays beside the spectra in a file of named arrays, and in the file that belongs to it (EMIT)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import SpaxelError
from spaxel.readers.parts.lazy import arrange, lazy_array
from spaxel.readers.parts.quality import flagged, is_quality, meaning
from spaxel.readers.parts.truth import Image
from spaxel.readers.parts.variables import Variable, Variables

_LOOKED_AT = 2**24  # values of a quality array that decide what it means
_PRISMA = {  # the codes that make a value useless, of level 1 and 2 (PRISMA product specification, ASI 2020)
    "PIXEL_SAT_ERR_MATRIX": (1, 2, 4),
    "PIXEL_L2_ERR_MATRIX": (1, 3, 4),
}


def find_quality(
    path: Path, variables: Variables, spectra: str, variable: Variable, at: int, image: Image
) -> dict[str, tuple[Any, ...]]:
    """A part of the argument `beside` of make_cube: the quality arrays that have the size of the cube or of its image.

    spectra, variable : the name of the array of spectra, and that array      at : its axis of channels
    image             : its sizes, and how a list of pixels was folded
    """
    found: dict[str, tuple[Any, ...]] = {}
    for name, held in variables.items():
        if name == spectra or not held.is_numeric or held.dtype.kind == "c" or not is_quality(name):
            continue
        laid = _laid(path, name, held, variable, at, image)
        if laid is not None:
            found |= _prisma(spectra, name, laid) if _codes(name) else _flags(name, held, laid)
    return found | _emit(path, spectra, image)


def _laid(path: Path, name: str, held: Variable, variable: Variable, at: int, image: Image) -> Any:
    """The array as (y, x, channel) or (y, x), None if its size is another."""
    size = (image.height, image.width)
    if len(variable.shape) == 3 and held.shape == variable.shape:
        if held.source is None:
            return arrange(held.read(), at)
        return lazy_array(held.source, path=path, part=name, channel_axis=at, storage_chunks=held.chunks)
    if held.shape == size:
        return held.read()
    if len(variable.shape) == 2 and held.size == size[0] * size[1] and held.is_vector:
        return image.fold(held.read().reshape(-1, 1))[..., 0]
    return None


def _flags(name: str, held: Variable, laid: Any) -> dict[str, tuple[Any, ...]]:
    step = max(1, held.size // _LOOKED_AT)
    values = np.asarray(laid) if isinstance(laid, np.ndarray) or step == 1 else np.asarray(laid[:: step + 1])
    told = meaning(name, values)
    if told is None:
        return {}
    sense, doubt = told
    shown = name.rpartition("/")[2]
    says = "1 (use)" if sense == "use" else "0 (good)"
    words = f"no data where {shown} is not {says}"
    guess = f"The array {shown} beside the cube hides what is not {says}. Options mask_invert and mask decide."
    return flagged(name, laid == 0 if sense == "use" else laid != 0, words, guess if doubt else "")


def _codes(name: str) -> tuple[int, ...]:
    return next((codes for end, codes in _PRISMA.items() if name.upper().endswith(end)), ())


def _prisma(spectra: str, name: str, laid: Any) -> dict[str, tuple[Any, ...]]:
    """The error matrix of the detector (VNIR or SWIR) that the spectra are of."""
    shown, codes = name.rpartition("/")[2], _codes(name)
    if shown.partition("_")[0] != spectra.rpartition("/")[2].partition("_")[0]:
        return {}
    absent = laid == codes[0]
    for code in codes[1:]:
        absent = absent | (laid == code)
    words = f"no data where {shown} is {', '.join(map(str, codes))}; mask=none leaves it unused"
    return flagged(name, absent, words)


def _emit(path: Path, spectra: str, image: Image) -> dict[str, tuple[Any, ...]]:
    """The aggregate flag of the mask file of EMIT, EMIT_L2A_MASK_…, beside a file EMIT_L2A_RFL_…"""
    beside = path.with_name(path.name.replace("_RFL_", "_MASK_"))
    if not path.name.startswith("EMIT_L2A_RFL_") or not beside.is_file():
        return {}
    from spaxel.readers.parts.h5 import h5_variables

    try:
        held = h5_variables(beside)
        mask = held["mask"].read()
        named = [str(text) for text in held["sensor_band_parameters/mask_bands"].read().ravel()]
    except (SpaxelError, KeyError):
        return {}
    number = next((i for i, text in enumerate(named) if "aggregate" in text.lower()), None)
    if number is None or mask.ndim != 3 or mask.shape != (image.height, image.width, len(named)):
        return {}
    words = f"no data where the {named[number]} of {beside.name} is set; mask=none leaves it unused"
    return flagged(beside.name, mask[..., number] != 0, words)
