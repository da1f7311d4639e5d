"""Cameras for 400 to 1000 nm: where their channels lie and how wide they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import ParameterError


class Camera(NamedTuple):
    """Channels of a camera: center (channel,) and full width at half maximum fwhm (channel,), both in nm."""

    center: np.ndarray
    fwhm: np.ndarray


def _even(first: float, last: float, n: int, fwhm: float) -> Camera:
    return Camera(np.linspace(first, last, n), np.full(n, fwhm))


CAMERAS = {
    "lab120": _even(400, 1000, 120, 5.0),  # a push-broom camera over a laboratory table
    "lab60": _even(400, 1000, 60, 10.0),  # the same, two channels binned
    "handheld204": _even(397, 1003, 204, 7.0),  # range, number and width as a Specim IQ has them
    "multispectral10": Camera(  # MicaSense RedEdge-MX Dual, as its maker gives them
        np.array([444.0, 475, 531, 560, 650, 668, 705, 717, 740, 842]),
        np.array([28.0, 32, 14, 27, 16, 14, 10, 12, 18, 57]),
    ),
}


def camera(name: str) -> Camera:
    """The camera of that name. Raises ParameterError that lists those known."""
    if name not in CAMERAS:
        raise ParameterError(f"There is no camera {name!r}. Known cameras: {', '.join(CAMERAS)}.")
    return CAMERAS[name]


def response(camera: Camera, wavelength: np.ndarray) -> np.ndarray:
    """How much each wavelength counts in each channel: (channel, wavelength), rows sum to 1.

    wavelength : (wavelength,) nm, finer than the channels      Gaussian; at the ends only the part that is covered counts.
    """
    sigma = camera.fwhm[:, None] / np.sqrt(8 * np.log(2))
    weight = np.exp(-0.5 * ((wavelength - camera.center[:, None]) / sigma) ** 2)
    return weight / weight.sum(1, keepdims=True)
