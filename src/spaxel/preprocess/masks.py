"""What holds no data: channels that say nothing, pixels that were not measured."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.cube.blocks import pick_channels
from spaxel.cube.gaps import LEAST
from spaxel.cube.sampling import sample_spectra
from spaxel.errors import AxisError, CubeError, GuessWarning

COSTLY = 0.25  # share of the pixels, above which a channel that they lack is dropped for their sake
FEW = 0.1  # share of the channels that is dropped for that, at most


def mask_channels(cube: xr.Dataset, drop: Sequence[int] | None = None, *, n: int = 5000, seed: int = 0) -> xr.Dataset:
    """The cube without the channels that say nothing.

    drop : positions to drop; None finds those that the file calls bad (`good_channel`), that hold no finite value, that
           are zero or constant in a sample of n pixels (a table or a small cube is looked at whole), and the few, at most a
           tenth, that more than a quarter of the pixels lack which have half of their values (said in a GuessWarning)
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
        drop, reason, costly, saved = find_bad_channels(cube, n, seed)
        if costly:
            _say_costly(cube, costly, saved)
    drop = sorted({int(c) for c in drop})
    if drop and not 0 <= drop[0] <= drop[-1] < n_channels:
        raise AxisError(f"Channels to drop reach from {drop[0]} to {drop[-1]}; the cube has 0 to {n_channels - 1}.")
    if len(drop) == n_channels:
        raise CubeError(f"No channel of {n_channels} is left ({reason}): the cube holds no information.")
    if not drop:
        return cube
    text = f"mask_channels: {len(drop)} of {n_channels} dropped ({reason})"
    left = np.setdiff1d(np.arange(n_channels), drop)
    return note(with_channels(cube, left), text, "mask_channels", drop=drop)


def with_channels(cube: xr.Dataset, kept: np.ndarray) -> xr.Dataset:
    """The cube with some of its channels only. kept : their positions, increasing"""
    images = [name for name in ("spectra", "variance") if name in cube]
    new = cube.drop_vars(images).isel(channel=kept)
    picked = {name: (cube[name].dims, pick_channels(cube[name].data, kept), cube[name].attrs) for name in images}
    return new.assign(picked)[list(cube.data_vars)]


def _say_costly(cube: xr.Dataset, costly: list[int], saved: float) -> None:
    """Say aloud which channels are left out for the sake of the pixels that lack them."""
    axis, units = cube["channel"].values, cube["channel"].attrs.get("units", "index")
    names = ", ".join(f"{axis[c]:.5g}" for c in costly[:10]) + (" …" if len(costly) > 10 else "")
    source = f"{cube.attrs['source']}: " if cube.attrs.get("source") else ""
    warnings.warn(
        f"{source}left out {len(costly)} of {len(axis)} channels ({names} {units}), which more than {COSTLY:.0%} of the pixels "
        f"lack; {saved:.0%} of the pixels lack nothing without them. --keep-channels (drop_channels=False) keeps them.",
        GuessWarning,
        stacklevel=3,
    )


class BadChannels(NamedTuple):
    """drop : positions      phrase : how many of each kind      costly : those that many pixels lack

    saved : share of the pixels that lack nothing without the costly ones, and do with them
    """

    drop: list[int]
    phrase: str
    costly: list[int]
    saved: float


def find_bad_channels(cube: xr.Dataset, n: int = 5000, seed: int = 0) -> BadChannels:
    """Channels that say nothing, and the few that many pixels lack. See mask_channels."""
    numbered = cube[[name for name in ("spectra", "valid") if name in cube]]
    spectra = sample_spectra(numbered, n, seed, gaps="any").spectra
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
    costly, saved = _costly(finite, bad)
    kinds |= {
        f"missing in more than {COSTLY:.0%} of the pixels, of which {saved:.0%} lack nothing without them": costly
    }
    phrase = ", ".join(f"{int(mask.sum())} {kind}" for kind, mask in kinds.items() if mask.any())
    return BadChannels(np.nonzero(bad | costly)[0].tolist(), phrase, np.nonzero(costly)[0].tolist(), saved)


def _costly(finite: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, float]:
    """The few channels that many pixels lack which have others, (channel,) bool, and the share of pixels whole without them.

    finite : (n, channel), what a sample has      bad : (channel,) dropped already
    None where they are more than a tenth: such a block is completed, as it tells of the pixels that have it.
    """
    left, none = finite[:, ~bad], np.zeros(len(bad), bool)
    measured = left[left.mean(1) >= LEAST] if left.size else left[:0]
    if measured.all():
        return none, 0.0
    costly = none.copy()
    costly[~bad] = (~measured).mean(0) > COSTLY
    if not 0 < costly.sum() <= FEW * left.shape[1]:
        return none, 0.0
    return costly, float((finite[:, ~bad & ~costly].all(1) & ~left.all(1)).mean())


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
