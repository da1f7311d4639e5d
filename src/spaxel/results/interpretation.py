"""What the components of a result may be: candidates for the peaks of their mean spectra, with what speaks for each.

Along energy: elements, by their fluorescence lines. Along wavelength, where a redshift is given: emission lines of gas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.lines.candidates import Candidate
from spaxel.lines.elements import ELEMENTS, element_candidates
from spaxel.lines.gas import ANGSTROM
from spaxel.lines.nebula import gas_candidates
from spaxel.lines.patterns import RESOLUTION
from spaxel.lines.peaks import roughness, steps
from spaxel.results.convention import check_result, shares
from spaxel.results.numbers import label_counts

KEV = {"keV": 1.0, "eV": 1e-3}
SHORTEST = 3.0  # keV that an axis must span to be one of fluorescence, and not of absorption near an edge

LEAK = 0.03  # of the mean spectrum, that unmixing may leave in each component
WIDEST = 2.5  # channels over the resolution, above which no peak can be told from its neighbours


class Interpretation(NamedTuple):
    """kind : 'elements', 'gas', or '' where nothing can be said      sentence : how it was done, what was assumed

    candidates : a list for each component, the clearest first; empty for one without pixels or peaks
    units : of position and known in the candidates, those of the axis
    """

    kind: str
    sentence: str
    candidates: tuple[list[Candidate], ...]
    units: str


def interpret(
    result: xr.Dataset,
    redshift: float | None = None,
    *,
    medium: str | None = None,
    elements: Sequence[str] = ELEMENTS,
    resolution: float = RESOLUTION,
) -> Interpretation:
    """Candidates for what the components of a result are, from its mean spectra, their spread and sizes.

    redshift : of the object, for a wavelength axis (default: attrs `redshift`; without one nothing is said)
    medium   : of wavelengths, "air" or "vacuum" (default: what the file's header says, else air)
    elements, resolution : that are looked for, and keV of the detector at 5.9 keV, for an energy axis
    The error of a mean is its spread over the root of the pixels: what varies inside a component makes it larger.
    Raises CubeError for what is no result, ParameterError for a wrong element, medium or redshift.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=380, pigments=["azurite", "vermilion"])
    >>> found = spaxel.interpret(spaxel.KMeans(n_clusters=2).fit(cube).predict(cube))
    >>> "Cu" in [candidate.name for candidates in found.candidates for candidate in candidates]
    True
    """
    check_result(result)
    units = str(result["channel"].attrs.get("units", "")) if "channel" in result.coords else ""
    redshift = result.attrs.get("redshift") if redshift is None else redshift
    axis = np.asarray(result["channel"], float) if units else np.zeros(0)
    if not {"component_spread", "abundances"} & set(result) or "component_spectra" not in result or len(axis) < 2:
        return _nothing(result)
    fine = bool(units in KEV and np.median(steps(axis)) * KEV[units] < WIDEST * resolution)
    if fine and np.ptp(axis) * KEV[units] >= SHORTEST:
        return _elements(result, units, elements, resolution)
    if units in ANGSTROM and redshift is not None:
        return _gas(result, units, float(redshift), medium)
    return _nothing(result)


def errors(result: xr.Dataset) -> np.ndarray:
    """Standard deviation of the mean spectra, (component, channel): spread / √pixels, nan for a component without pixels.

    For counts at least that of Poisson counts with one photon more than were seen, so that no empty channel is certain.
    Unmixed spectra have no spread: their error is how rough they are, and 3 % of the mean of the cube, as other components
    may leak into them.
    """
    if "component_spread" not in result:
        spectra = np.asarray(result["component_spectra"], float)
        return np.hypot(roughness(spectra), LEAK * np.abs(_mean_of_unmixed(result, spectra)))
    sizes = _sizes(result)[:, None]
    n = np.where(sizes > 0, sizes, np.nan)
    found = np.asarray(result["component_spread"], float) / np.sqrt(n)
    if result["component_spectra"].attrs.get("units") == "counts":
        mean = np.maximum(np.asarray(result["component_spectra"], float), 0)
        return np.maximum(found, np.sqrt((mean + 1 / n) / n))
    floor = np.where(found > 0, found, np.nan)
    known = np.isfinite(floor).any(1)
    least = np.full(len(found), np.nan)
    least[known] = 0.2 * np.nanmedian(floor[known], axis=1)
    return np.fmax(found, least[:, None])


def _elements(result: xr.Dataset, units: str, elements: Sequence[str], resolution: float) -> Interpretation:
    function = partial(element_candidates, elements=elements, resolution=resolution)
    words = (
        f"Peaks were looked for at the width of a detector of {resolution:g} keV (at 5.9 keV), and elements for them "
        f"among {len(elements)} in the table of Elam, Ravel and Sieber 2002."
    )
    wide = float(np.median(steps(np.asarray(result["channel"], float)))) * KEV[units]
    if wide > 1.2 * resolution:
        words += f" Channels of {wide:.2g} keV are wider than a peak, so neighbouring elements may be mistaken for each other."
    return Interpretation("elements", words, _each(function, result, KEV[units]), units)


def _gas(result: xr.Dataset, units: str, redshift: float, medium: str | None) -> Interpretation:
    stated = stated_medium(result)
    medium, source = (
        (medium, "as asked")
        if medium
        else (stated or "air", "as the file says" if stated else "a guess; --medium of spaxel report")
    )
    function = partial(gas_candidates, redshift=redshift, medium=medium)
    words = (
        f"Lines were looked for at redshift {redshift:g}, wavelengths in {medium} ({source}), 300 and 600 km/s wide, "
        "within 250 km/s of where they are expected."
    )
    return Interpretation("gas", words, _each(function, result, ANGSTROM[units]), units)


def _each(function: Callable[..., list[Candidate]], result: xr.Dataset, unit: float) -> tuple[list[Candidate], ...]:
    """The candidates of every component, by a function in keV or Angstrom. unit : how many of these one of the axis is."""
    axis = np.asarray(result["channel"], float) * unit
    mean, error, whole, whole_error = _means(result)
    known = np.isfinite(mean).all(1) & np.isfinite(error).all(1)
    found = [
        function(axis, m, e, mean=whole, mean_error=whole_error) if good else []
        for m, e, good in zip(mean, error, known, strict=True)
    ]
    return tuple([c._replace(known=c.known / unit, position=c.position / unit) for c in own] for own in found)


def _means(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean and error of each component, and of the cube."""
    mean, error = np.asarray(result["component_spectra"], float), errors(result)
    if "component_spread" not in result:
        whole = _mean_of_unmixed(result, mean)
        return mean, error, whole, roughness(whole[None])[0]
    sizes = _sizes(result)
    share = (sizes / max(sizes.sum(), 1))[:, None]
    return mean, error, np.nansum(share * mean, 0), np.sqrt(np.nansum((share * error) ** 2, 0))


def _mean_of_unmixed(result: xr.Dataset, spectra: np.ndarray) -> np.ndarray:
    """The mean of the cube in the units of the unmixed spectra, (channel,): each by its share."""
    return np.nan_to_num(shares(result)) @ np.nan_to_num(spectra)


def _sizes(result: xr.Dataset) -> np.ndarray:
    if "component_size" in result:
        return np.asarray(result["component_size"], float)
    return label_counts(result["labels"], result.sizes["component"]).astype(float)


def stated_medium(result: xr.Dataset) -> str | None:
    """What the header of the file says of its wavelengths: AWAV is air, WAVE vacuum (FITS standard 4.0, table 25)."""
    header = str(result.attrs.get("wcs_header", ""))
    return "air" if "'AWAV" in header else "vacuum" if "'WAVE" in header else None


def _nothing(result: xr.Dataset) -> Interpretation:
    return Interpretation("", "", tuple([] for _ in range(result.sizes.get("component", 0))), "")
