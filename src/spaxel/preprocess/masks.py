"""What holds no data: channels that say nothing, pixels that were not measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.cube.sampling import sample_spectra
from spaxel.errors import AxisError, CubeError


def mask_channels(cube: xr.Dataset, drop: Sequence[int] | None = None, *, n: int = 5000, seed: int = 0) -> xr.Dataset:
    """The cube without the channels that say nothing.

    drop : positions to drop; None finds those that the file calls bad (`good_channel`), that hold no finite value, or
           that are zero or constant in a sample of n pixels (a table or a small cube is looked at whole)
    The note in `history` says how many of each kind; `predict` drops the same channels from a new cube.
    Raises AxisError if a position does not exist, CubeError if no channel is left.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.random.default_rng(0).random((8, 9, 20)))
    >>> spaxel.mask_channels(cube, drop=[0, 19]).sizes["channel"]
    18
    """
    check_cube(cube)
    n_channels = cube.sizes["channel"]
    reason = f"{len(drop)} as asked" if drop is not None else ""
    if drop is None:
        drop, reason = find_bad_channels(cube, n, seed)
    drop = sorted({int(c) for c in drop})
    if drop and not 0 <= drop[0] <= drop[-1] < n_channels:
        raise AxisError(f"Channels to drop reach from {drop[0]} to {drop[-1]}; the cube has 0 to {n_channels - 1}.")
    if len(drop) == n_channels:
        raise CubeError(f"No channel of {n_channels} is left ({reason}): the cube holds no information.")
    if not drop:
        return cube
    text = f"mask_channels: {len(drop)} of {n_channels} dropped ({reason})"
    return note(cube.isel(channel=np.setdiff1d(np.arange(n_channels), drop)), text, "mask_channels", drop=drop)


def find_bad_channels(cube: xr.Dataset, n: int = 5000, seed: int = 0) -> tuple[list[int], str]:
    """Positions of channels that say nothing, and a phrase that counts them by kind. See mask_channels."""
    numbered = cube[["spectra"]]
    if "valid" in cube:
        numbered = cube[["spectra", "valid"]]
    spectra = _sample_with_nan(numbered, n, seed)
    finite = np.isfinite(spectra)
    empty = ~finite.any(0)
    low = np.where(finite, spectra, np.inf).min(0, initial=np.inf)
    high = np.where(finite, spectra, -np.inf).max(0, initial=-np.inf)
    zero, constant = (low == 0) & (high == 0), (low == high) & (low != 0)
    if len(spectra) < 2:
        zero = constant = np.zeros_like(empty)
    named = ~cube["good_channel"].values if "good_channel" in cube else np.zeros_like(empty)
    kinds = {"called bad by the file": named, "without a finite value": empty, "zero": zero, "constant": constant}
    bad = np.logical_or.reduce(list(kinds.values()))
    phrase = ", ".join(f"{int(mask.sum())} {kind}" for kind, mask in kinds.items() if mask.any())
    return np.nonzero(bad)[0].tolist(), phrase


def mask_pixels(cube: xr.Dataset, mask: np.ndarray) -> xr.Dataset:
    """The cube with `valid` False where the mask is False, besides where it was False before.

    mask : (y, x) bool, True = keep. It belongs to this image: `predict` does not repeat it on another one.
    Raises CubeError if the shape is another one.

    >>> import numpy as np
    >>> import spaxel
    >>> cube = spaxel.make_cube(np.random.default_rng(0).random((8, 9, 20)))
    >>> int(spaxel.mask_pixels(cube, np.arange(72).reshape(8, 9) > 8)["valid"].sum())
    63
    """
    check_cube(cube)
    mask = np.asarray(mask, dtype=bool)
    size = (cube.sizes["y"], cube.sizes["x"])
    if mask.shape != size:
        raise CubeError(f"The mask has shape {mask.shape}, the image {size} (y, x). Try to transpose it.")
    keep = xr.DataArray(mask, dims=("y", "x"))
    cube = cube.assign(valid=cube["valid"] & keep if "valid" in cube else keep)
    return note(cube, f"mask_pixels: {int((~mask).sum())} pixels marked as no data")


def _sample_with_nan(cube: xr.Dataset, n: int, seed: int) -> np.ndarray:
    """A sample in which NaN and infinity survive: a channel that is NaN everywhere must not hide every pixel."""
    if cube["spectra"].dtype.kind != "f":
        return sample_spectra(cube, n, seed).spectra
    values = cube["spectra"].astype(np.result_type(cube["spectra"].dtype, np.float32))
    marked = cube.assign(spectra=values.where(np.isfinite(values), _HOLE))
    spectra = sample_spectra(marked, n, seed).spectra
    return np.where(spectra == np.asarray(_HOLE, spectra.dtype), np.nan, spectra)


_HOLE = -1.2345678e30
