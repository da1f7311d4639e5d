"""Colours as people see them: sRGB to CIELAB, and how different two colours look."""

from __future__ import annotations

import numpy as np

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_FAR = 25.0**7


def linear_rgb(rgb: np.ndarray) -> np.ndarray:
    """Light of sRGB colours: (..., 3) in 0..1 -> (..., 3) in 0..1. IEC 61966-2-1."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab_of_light(linear: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear RGB, (..., 3) in 0..1 -> (..., 3)."""
    xyz = linear @ _TO_XYZ.T / _TO_XYZ.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def ciede2000(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How different two colours look; about 1 is just seen. one, other : (..., 3) CIELAB, broadcast -> (...).

    ΔE = √((ΔL/S_L)² + (ΔC/S_C)² + (ΔH/S_H)² + R_T (ΔC/S_C) (ΔH/S_H)), with the weights of CIEDE2000.
    Source: Sharma, Wu & Dalal 2005, doi:10.1002/col.20070, whose equation numbers are given. Made for small differences:
    above about 20 it only orders colours roughly.
    """
    light, a, b = (np.stack(np.broadcast_arrays(p, q)) for p, q in zip(_parts(one), _parts(other), strict=True))
    chroma7 = np.hypot(a, b).mean(0) ** 7  # (2)-(3)
    a = a * (1.5 - 0.5 * np.sqrt(chroma7 / (chroma7 + _FAR)))  # (4)-(5)
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360  # (6)-(7)
    turn = _turn(hue, chroma)
    step = 2 * np.sqrt(chroma[0] * chroma[1]) * np.sin(np.radians(turn) / 2)  # (11)
    far = np.abs(hue[1] - hue[0]) > 180
    middle = hue.mean(0) + np.where(far, np.where(hue.sum(0) < 360, 180, -180), 0)  # (14)
    middle = np.where(chroma.prod(0) == 0, hue.sum(0), middle)
    mean_light, mean_chroma = light.mean(0), chroma.mean(0)
    t = 1 - 0.17 * _cos(middle - 30) + 0.24 * _cos(2 * middle)  # (15)
    t = t + 0.32 * _cos(3 * middle + 6) - 0.20 * _cos(4 * middle - 63)
    off = (mean_light - 50) ** 2
    in_light = (light[1] - light[0]) / (1 + 0.015 * off / np.sqrt(20 + off))  # (18)
    in_chroma = (chroma[1] - chroma[0]) / (1 + 0.045 * mean_chroma)  # (19)
    in_hue = step / (1 + 0.015 * mean_chroma * t)  # (20)
    rotation = np.sqrt(mean_chroma**7 / (mean_chroma**7 + _FAR))  # (16)-(17), (21)
    rotation = -2 * rotation * np.sin(np.radians(60 * np.exp(-(((middle - 275) / 25) ** 2))))
    return np.sqrt(in_light**2 + in_chroma**2 + in_hue**2 + rotation * in_chroma * in_hue)


def _parts(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lab = np.asarray(lab, dtype=np.float64)
    return lab[..., 0], lab[..., 1], lab[..., 2]


def _turn(hue: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """From one hue to the other the short way, degrees; 0 where one of them is grey. (10)"""
    turn = hue[1] - hue[0]
    turn = turn - 360 * (turn > 180) + 360 * (turn < -180)
    return np.where(chroma.prod(0) == 0, 0.0, turn)


def _cos(degrees: np.ndarray) -> np.ndarray:
    return np.cos(np.radians(degrees))
