"""The noise of a sample made even before it is unmixed, where its variance is known; components and codes turned back.

A mixture stays a mixture if its channels are multiplied by numbers: X W = C (S W). So spectra are divided by the noise of each
channel (and of each spectrum, where the solver counts), unmixed, and the components are multiplied by it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spaxel.cube.noise import Noise
from spaxel.linear.count.edge import scan_powers
from spaxel.linear.noise import biwhiten
from spaxel.linear.sparse.report import Factors


class Even(NamedTuple):
    """By what spectra are multiplied so that their noise is even. channel : (channel,), median 1      row : (n,), median 1"""

    channel: np.ndarray
    row: np.ndarray


def evening(spectra: np.ndarray, noise: Noise | None) -> Even | None:
    """Weights of the spectra (n, channel) of a sample; None without a variance, and for counts: see `evening_counts`."""
    if noise is None or are_counts(spectra):
        return None
    channel, row = 1 / np.sqrt(noise.channel), 1 / np.sqrt(noise.row)
    return Even(channel / np.median(channel), row / np.median(row))


def are_counts(spectra: np.ndarray) -> bool:
    """Whether these may be photon counts: whole numbers, none negative."""
    return bool((np.nan_to_num(spectra) >= 0).all() and (np.round(spectra) == spectra).all())


def evening_counts(spectra: np.ndarray) -> Even | None:
    """Weights that even the noise of photon counts (n, channel); None where they make no difference to the number.

    The edge takes the noise of a spectrum for the same in all channels. In counts a bright line has more, and each channel
    whose noise stands above the mean counts as a component: paintings of six pigments had 79 of 79 channels; with weights 6.
    Only where fewer components stand above the noise by them, for whole numbers need not be counts.
    """
    lit = np.asarray(spectra.any(1))
    if not are_counts(spectra) or lit.sum() < 2:
        return None
    weights = biwhiten(spectra)
    channel, row = (np.where(w > 0, w, np.median(w[w > 0])) for w in (weights.channel, weights.row))
    even = Even(channel / np.median(channel), row / np.median(row))
    found = scan_powers(spectra[lit] * even.channel * even.row[lit, None])[1].n
    return even if found < scan_powers(spectra[lit])[1].n else None


def evens(spectra: np.ndarray, even: Even) -> bool:
    """Whether no more components stand above the noise with these weights: wrong ones only add some. spectra : (n, channel)"""
    weighed = scan_powers(spectra * even.channel * even.row[:, None])[1].n
    return weighed <= scan_powers(spectra)[1].n


def order_back(found: Factors, even: Even) -> np.ndarray:
    """The order of the components in `turned_back`."""
    norms = np.maximum(np.linalg.norm(found.components / even.channel, axis=1), 1e-300)
    return np.argsort(-(found.concentrations * norms / even.row[:, None]).sum(0), kind="stable")


def turned_back(found: Factors, even: Even) -> Factors:
    """A factorisation of evened spectra in the units of the data: components of norm 1, most abundant first."""
    spectra = found.components / even.channel
    norms = np.maximum(np.linalg.norm(spectra, axis=1), 1e-300)
    amounts = found.concentrations * norms / even.row[:, None]
    order = order_back(found, even)
    return replace(
        found,
        components=(spectra / norms[:, None])[order],
        concentrations=amounts[:, order],
        noise=found.noise / even.row,
        errors=(found.errors / norms)[order],
        usage=found.usage[order],
        effective=found.effective[order],
    )


def encode_evened(
    encode: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], weight: np.ndarray, base: float, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Abundances of new spectra (n, channel) by components that are multiplied by `weight` (channel,), and what these explain.

    encode : by those components      base : a pedestal that is taken off first
    """
    amounts, explained = encode((x - base) * weight)
    return amounts, explained / weight + base
