"""Values that a variance says were not measured."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np


def hide_unmeasured(spectra: Any, variance: Any) -> Any:
    """Spectra in which values of infinite variance (IVAR = 0) are NaN; lazy arrays stay lazy. Both (y, x, channel).

    Whole numbers beside a lazy variance stay whole numbers, and keep such values: only reading all of it could tell.
    """
    lazy = isinstance(spectra, da.Array) or isinstance(variance, da.Array)
    if not lazy and not np.isinf(variance).any():
        return spectra
    if spectra.dtype.kind in "biu" and isinstance(variance, da.Array):
        return spectra
    small = spectra.dtype.itemsize <= 2
    dtype = spectra.dtype if spectra.dtype.kind == "f" else np.dtype(np.float32 if small else np.float64)
    if not lazy:
        return _hidden(spectra, variance, dtype)
    tiles = da.asarray(spectra)
    beside = da.asarray(variance).rechunk(tiles.chunks)
    return da.map_blocks(_hidden, tiles, beside, dtype, dtype=dtype, meta=np.empty((0, 0, 0), dtype))


def _hidden(spectra: np.ndarray, variance: np.ndarray, dtype: np.dtype) -> np.ndarray:
    gone = np.isinf(variance)
    if not gone.any():
        return spectra.astype(dtype, copy=False)
    return np.where(gone, dtype.type(np.nan), spectra).astype(dtype)


def measured(spectra: Any, variance: Any) -> Any:
    """`hide_unmeasured` for a variance in memory; a lazy one is looked at by the door that opens files."""
    return spectra if isinstance(variance, da.Array) else hide_unmeasured(spectra, variance)


def laid_variance(variance: Any, shape: tuple[int, ...]) -> Any:
    """A variance as (y, x, channel): one per channel, (channel,), holds for every pixel; another shape stays as it is."""
    if np.shape(variance) != shape[2:]:
        return variance
    return da.broadcast_to(variance, shape) if isinstance(variance, da.Array) else np.broadcast_to(variance, shape)
