"""Candidates for small targets that a result holds (spaxel.find_rare), as rows of a table."""

from __future__ import annotations

import xarray as xr

from spaxel.cube.pixels import pixel_size
from spaxel.results.convention import component_names

DETECTORS = ("surroundings", "scene", "mixtures")  # by the numbers in `rare_detector`


def rare_rows(result: xr.Dataset) -> list[list[str]]:
    """The candidates as rows of text after a header.

    candidate (from 1), y, x of its rarest pixel, the same in units of length where the size of a pixel is known, n_pixels,
    expected_false (see spaxel.results.convention), chance (that the scene makes a pixel as rare), detector, component there;
    of an unmixed image also left (of its spectrum, which no mixture of the components explains)
    """
    pixel = pixel_size(result.attrs)
    units = [f"{axis}_{pixel[2]}" for axis in "yx"] if pixel else []
    rows = [["candidate", "y", "x", *units, "n_pixels", "expected_false", "chance", "detector", "component"]]
    left = result["rare_left"].values if "rare_left" in result else None
    rows[0] += ["left"] if left is not None else []
    names, yx = component_names(result), result["rare_position"].values
    at = {name: xr.DataArray(yx[:, i], dims="rare") for i, name in enumerate("yx")}
    labels, rarity = (result[name].isel(at).values for name in ("labels", "rarity"))
    for i, (y, x) in enumerate(yx):
        lengths = (
            [f"{(place + 0.5) * side:.7g}" for place, side in zip((y, x), pixel[:2], strict=True)] if pixel else []
        )
        size, expected = int(result["rare_size"].values[i]), float(result["rare_expected"].values[i])
        label, said = int(labels[i]), DETECTORS[int(result["rare_detector"].values[i]) % len(DETECTORS)]
        own = [f"{expected:.3g}", f"{10.0 ** -float(rarity[i]):.3g}", said, names[label] if label >= 0 else ""]
        own += [f"{left[i]:.3g}"] if left is not None else []
        rows.append([str(i + 1), str(y), str(x), *lengths, str(size), *own])
    return rows
