"""Standard errors of the abundances of a table: what a fit keeps for them, and what it says of new spectra."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube.mapping import Arrays
from spaxel.linear.abundance_errors import abundance_errors, rotation_errors
from spaxel.linear.sparse.report import Factors

MOST = 32  # components, of which the errors by rotation are k³ numbers


def kept_for_errors(found: Factors, weight: np.ndarray | None) -> Arrays:
    """For `state_`: component_error (k,), of a channel of each component, and rotation (k, k, k), nan where it is open.

    weight : (channel,) by which spectra are multiplied so that their noise is even, None = 1
    """
    noise = np.where(np.isfinite(found.noise), found.noise, np.nanmedian(found.noise))
    components = found.components if weight is None else found.components * weight
    kept = {"component_error": found.errors.astype(np.float64)}
    return kept | ({"rotation": rotation_errors(found.concentrations, components, noise)} if found.n <= MOST else {})


class Certain(NamedTuple):
    """What errors of abundances are made of.

    kept : as `kept_for_errors`      components : (k, channel), evened      noise : level, power
    open_by : (k,) part of a component that rotation leaves open, where zeros do not hold it      weight : as above
    """

    kept: Arrays
    components: np.ndarray
    noise: tuple[float, float]
    open_by: np.ndarray
    weight: np.ndarray | None = None


def table_errors(known: Certain, x: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Standard errors (n, k) of abundances c (n, k) of spectra x (n, channel); nan of a component that rotation leaves open.

    So it is where a component is in (nearly) all samples and no bands were computed, and of all beyond `MOST` components.
    """
    kept, components, (level, power), open_by, weight = known
    norm = np.linalg.norm(np.nan_to_num(x if weight is None else x * weight), axis=1)
    errors = abundance_errors(c, components, level * norm**power, kept["component_error"])
    rotation = kept.get("rotation")
    turned = np.zeros_like(c) if rotation is None else np.einsum("ik,jkl,il->ij", c, np.nan_to_num(rotation), c)
    loose = np.ones(len(components), bool) if rotation is None else np.isnan(rotation).any((1, 2))
    turned += np.where(loose, (open_by * c) ** 2 / 3, 0)  # as wide as an even distribution over what fits
    errors = np.sqrt(errors**2 + turned)
    errors[:, loose & ~(open_by > 0)] = np.nan  # how far rotation leaves these open is not known
    return errors
