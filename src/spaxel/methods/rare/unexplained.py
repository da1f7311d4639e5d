"""What the components of an unmixed image leave of small targets, and targets that become components of their own."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.sampling import sample_spectra
from spaxel.errors import CubeError
from spaxel.methods.rare.find import find_rare
from spaxel.methods.rare.left import left_over

STATED = 1.0  # false candidates that the scene makes, up to which one that the components do not explain is taken
USUAL = 0.99  # quantile of what components leave of the spectra of a scene, above which a mixture does not explain one
SAMPLE = 2000  # spectra of which this is
MOST = 5  # targets that become components


class Targets(NamedTuple):
    """spectra : (m, channel), in the units of the data      about : y, x, n_pixels, expected_false, left of each."""

    spectra: np.ndarray
    about: list[dict[str, Any]]


def targets_beside(cube: xr.Dataset, components: np.ndarray, seed: int = 0, memory: int | None = None) -> Targets:
    """Small targets of an image that no mixture of its components (k, channel) explains, at most five.

    Of such candidates the scene alone makes at most one. The rarest first, and none that is a mixture of the components and of
    targets before it: several targets of one material are one. A spectrum is the mean of its pixels, so that of a target
    smaller than a pixel holds what lies around it too.
    Raises CubeError for fewer than 50 spectra. Fails where a target is larger than about 5 pixels across.
    """
    blank = xr.Dataset({"labels": (("y", "x"), np.zeros((cube.sizes["y"], cube.sizes["x"]), np.int32))})
    found = find_rare(cube, blank, random_state=seed, memory=memory)
    held = components.astype(np.float64)
    sample = sample_spectra(cube, SAMPLE, seed, memory).spectra
    new: list[np.ndarray] = []
    about: list[dict[str, Any]] = []
    for i in np.flatnonzero(found["rare_expected"].values <= STATED):
        if len(new) == MOST:
            break
        spectrum = found["rare_spectra"].values[i]
        if (spectrum < 0).all() or not np.isfinite(spectrum).all():
            continue
        try:
            left = float(left_over(spectrum[None], held)[0])
            usual = float(np.nanquantile(left_over(sample, held), USUAL))
        except CubeError:  # components that are mixtures of each other: nothing can be said beside them
            break
        if not left > usual or (new and _off_the_span(spectrum, held) <= usual):
            continue
        y, x = found["rare_position"].values[i].tolist()
        expected, size = float(found["rare_expected"].values[i]), int(found["rare_size"].values[i])
        about.append({"y": y, "x": x, "n_pixels": size, "expected_false": expected, "left": left})
        new.append(spectrum)
        held = np.vstack([held, spectrum])
    return Targets(np.array(new).reshape(-1, components.shape[1]), about)


def _off_the_span(spectrum: np.ndarray, components: np.ndarray) -> float:
    """|x - c S| / |x| for any c: 0 of a target that differs from one before it only by what lies around."""
    rest = spectrum - np.linalg.lstsq(components.T, spectrum, rcond=None)[0] @ components
    return float(np.linalg.norm(rest) / np.linalg.norm(spectrum))


def words(about: list[dict[str, Any]], before: int) -> str:
    """A sentence about the targets that became components. before : number of the first one"""
    if not about:
        return "No small target that the components leave unexplained: none was added."
    named = ", ".join(
        f"{before + i} (row {one['y']}, column {one['x']}, {one['n_pixels']} px; {one['left']:.0%} of it is left by the others)"
        for i, one in enumerate(about)
    )
    return f"Small targets became components of their own: {named}."
