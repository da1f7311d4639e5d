"""Multiplicative scatter correction: each spectrum brought to the scale and offset of a common reference. Lazy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from spaxel.cube import check_cube, note
from spaxel.errors import CubeError, ParameterError
from spaxel.preprocess.spectra import Correction, each_spectrum, mean_spectrum, typical_spectra

WORTH_SAYING = 0.01  # share of spectra that are lost


def msc(cube: xr.Dataset, reference: Sequence[float] | None = None, *, n: int = 5000, seed: int = 0) -> xr.Dataset:
    """Multiplicative scatter correction: scale and offset of each spectrum against a reference, undone.

    x = a + b r + rest, by least squares over what was measured; returns (x - a) / b = r + rest / b, float64.
    Geladi, MacDougall & Martens 1985, doi:10.1366/0003702854248656
    reference : (channel,), on the axis of the cube; None takes the mean of a sample of n spectra. It is kept, so that `predict`
                brings other cubes to the same one.
    A spectrum that does not follow the reference at all (b not above zero) cannot be brought to it: it is missing (label -1).
    The variance is divided by b². Raises ParameterError for a reference of another length, CubeError without any data.
    Fails where strong bands differ between materials: they count as scatter. Then emsc, or normalise by a band.

    >>> import numpy as np
    >>> import spaxel
    >>> band = np.exp(-((np.arange(40.0) - 20) ** 2) / 30)
    >>> cube = spaxel.make_cube(np.stack([[band, 3 * band + 1, 0.5 * band - 2]]))
    >>> bool(np.ptp(spaxel.msc(cube)["spectra"].values, axis=1).max() < 1e-12)
    True
    """
    return _scatter(cube, "msc", 0, reference, n, seed)


def emsc(
    cube: xr.Dataset, order: int = 2, reference: Sequence[float] | None = None, *, n: int = 5000, seed: int = 0
) -> xr.Dataset:
    """Extended multiplicative scatter correction: as msc, and a polynomial along the axis is taken away too.

    x = a + d1 t + d2 t² + … + b r + rest, t the axis from -1 to 1; returns r + rest / b.
    Martens & Stark 1991, doi:10.1016/0731-7085(91)80188-F
    order : of the polynomial, 1 to 6; all else as in msc

    >>> import numpy as np
    >>> import spaxel
    >>> band, t = np.exp(-((np.arange(40.0) - 20) ** 2) / 30), np.linspace(-1, 1, 40)
    >>> cube = spaxel.make_cube(np.stack([[band, 3 * band + t**2, 0.5 * band - t]]))
    >>> bool(np.ptp(spaxel.emsc(cube, reference=band)["spectra"].values, axis=1).max() < 1e-12)
    True
    """
    if not 1 <= order <= 6:
        raise ParameterError(f"order is {order}, expected 1 to 6. Try msc for scale and offset alone.")
    return _scatter(cube, "emsc", order, reference, n, seed)


def _scatter(
    cube: xr.Dataset, name: str, order: int, reference: Sequence[float] | None, n: int, seed: int
) -> xr.Dataset:
    check_cube(cube)
    sample = typical_spectra(cube, n, seed) if reference is None else None
    kept = mean_spectrum(sample) if sample is not None else np.asarray(reference, np.float64).tolist()
    q, r = _design(np.array(kept), order, cube.sizes["channel"])
    inverse, basis, pairs = (
        np.linalg.inv(r),
        q[:, :-1] @ r[:-1, :-1],
        (q[:, :, None] * q[:, None, :]).reshape(len(q), -1),
    )

    def parts(spectra: np.ndarray) -> np.ndarray:
        """(n, order + 2): what belongs to the polynomial, and last the scale."""
        measured = np.isfinite(spectra)
        size = q.shape[1]
        normal = (measured.astype(np.float64) @ pairs).reshape(-1, size, size)
        enough = np.linalg.matrix_rank(normal, tol=1e-9) == size
        normal[~enough] = np.eye(size)
        right = np.where(measured, spectra, 0.0) @ q
        found = np.linalg.solve(normal, right[:, :, None])[:, :, 0] @ inverse.T
        return np.where(enough[:, None], found, np.nan)

    def scale(spectra: np.ndarray) -> np.ndarray:
        slope = parts(spectra)[:, -1:]
        return np.where(slope > 0, slope, np.nan)

    def correct(spectra: np.ndarray) -> np.ndarray:
        found = parts(spectra)
        slope = np.where(found[:, -1:] > 0, found[:, -1:], np.nan)
        return (spectra - found[:, :-1] @ basis.T) / slope

    lost = ""
    if sample is not None and (share := float(np.isnan(scale(sample)).mean())) > WORTH_SAYING:
        lost = f"; {share:.0%} of the sample do not follow it, so these are missing (label -1): try normalise"
    how = "the mean of a sample" if reference is None else "a reference"
    text = f"{name}: scale and {'offset' if not order else f'polynomial of order {order}'} against {how} undone{lost}"
    given = {"order": order} if order else {}
    return note(each_spectrum(cube, Correction(correct, scale, products=True)), text, name, **given, reference=kept)


def _design(reference: np.ndarray, order: int, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Powers of the axis and the reference as orthonormal columns, and what leads back. Raises ParameterError, CubeError."""
    if reference.shape != (n_channels,):
        raise ParameterError(
            f"The reference has {len(reference)} values, the cube {n_channels} channels. Try without one."
        )
    if n_channels < order + 3:
        raise ParameterError(f"{n_channels} channels are too few for scale and a polynomial of order {order}.")
    t = np.linspace(-1, 1, n_channels)
    columns = np.column_stack([*(t**power for power in range(order + 1)), reference])
    q, r = np.linalg.qr(columns)
    if not np.isfinite(r).all() or np.abs(r[-1, -1]) <= 1e-9 * np.linalg.norm(reference):
        raise CubeError(
            "The reference is flat or no more than a slope, so nothing can be scaled to it. Try without this step."
        )
    return q, r
