"""Corrections of spectra: cube -> cube, lazy, each notes itself so that `predict` can repeat it."""

from __future__ import annotations

from spaxel.preprocess.axis import crop, rebin
from spaxel.preprocess.choice import Choice, choose_scaling, look_at
from spaxel.preprocess.masks import mask_channels, mask_pixels
from spaxel.preprocess.scale import scale
from spaxel.preprocess.scaling import SCALINGS, Scaling, ScalingName, fit_scaling
from spaxel.preprocess.smoothing import derivative, despike, smooth
from spaxel.preprocess.steps import repeat

__all__ = [
    "SCALINGS",
    "Choice",
    "Scaling",
    "ScalingName",
    "choose_scaling",
    "crop",
    "derivative",
    "despike",
    "fit_scaling",
    "look_at",
    "mask_channels",
    "mask_pixels",
    "rebin",
    "repeat",
    "scale",
    "smooth",
]
