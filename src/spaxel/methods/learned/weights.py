"""Weights of a field: those that come with the package, or a file that `spaxel train-metric` has written."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import NotFound, ReadError
from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.fields import FIELDS

SUFFIX = ".safetensors"


def write_weights(path: Path, encoder: Encoder, about: dict[str, Any]) -> None:
    """Write a file of weights, in half precision. about : what they were learned from, in plain values; at least `field`"""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array, np.float16) for name, array in encoder._asdict().items()}
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(save(arrays, metadata={"about": json.dumps(about)}))
    beside.replace(path)


def read_weights(given: str | Path) -> tuple[Encoder, dict[str, Any]]:
    """Weights by the name of a field, or from a file. Returns them and what they were learned from.

    Raises NotFound, ReadError.
    """
    if str(given) in FIELDS:
        with as_file(files("spaxel.methods.learned.shipped").joinpath(f"{given}{SUFFIX}")) as path:
            return _read(path)
    if not Path(given).is_file():
        raise NotFound(f"There is no file of weights {given}. Try spaxel train-metric FIELD --out {given}.")
    return _read(Path(given))


def _read(path: Path) -> tuple[Encoder, dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["about"])
            encoder = Encoder(*(file.get_tensor(name).astype(np.float32) for name in Encoder._fields))
        field = FIELDS[about["field"]]
        bins = len(field.edges) - 1
        _check(encoder, bins, 2 * bins + 1 if field.counts else bins + 2)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ReadError(f"{path} is no file of weights ({error}). Try spaxel train-metric again.") from error
    return encoder, about


def _check(encoder: Encoder, bins: int, seen: int) -> None:
    """seen : how many numbers of a pixel. Raises ValueError where arrays do not fit together."""
    h, d, q = encoder.second.shape[-1], encoder.last.shape[-1], len(encoder.basis)
    shapes = ((seen, h), (h,), (h, h), (h,), (h, d), (d,), (bins,), (q, bins), (1,))
    for name, array, shape in zip(Encoder._fields, encoder, shapes, strict=True):
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"{name} is {array.shape}, expected finite numbers of {shape}")
