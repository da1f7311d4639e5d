"""Corrections of spectra: cube -> cube, lazy, each notes itself so that `predict` can repeat it."""

from __future__ import annotations

from spaxel.preprocess.axis import crop, rebin
from spaxel.preprocess.background import baseline, continuum_removal
from spaxel.preprocess.binning import voronoi
from spaxel.preprocess.choice import Choice, choose_scaling, look_at
from spaxel.preprocess.masks import mask_channels, mask_pixels
from spaxel.preprocess.scale import scale
from spaxel.preprocess.scaling import SCALINGS, Scaling, ScalingName, fit_scaling
from spaxel.preprocess.scatter import emsc, msc
from spaxel.preprocess.shifts import align
from spaxel.preprocess.smoothing import derivative, smooth
from spaxel.preprocess.spikes import despike
from spaxel.preprocess.steps import repeat
from spaxel.preprocess.stripes import destripe
from spaxel.preprocess.values import absorbance, normalise

__all__ = [
    "SCALINGS",
    "Choice",
    "Scaling",
    "ScalingName",
    "absorbance",
    "align",
    "baseline",
    "choose_scaling",
    "continuum_removal",
    "crop",
    "derivative",
    "despike",
    "destripe",
    "emsc",
    "fit_scaling",
    "look_at",
    "mask_channels",
    "mask_pixels",
    "msc",
    "normalise",
    "rebin",
    "repeat",
    "scale",
    "smooth",
    "voronoi",
]
