"""Emission lines of ionised gas, optical: wavelengths at rest, which lines belong together, and air against vacuum."""

from __future__ import annotations

import numpy as np

from spaxel.errors import ParameterError

LIGHT_SPEED = 299_792.458  # km/s
LINES = {  # Angstrom in air, at rest: NIST Atomic Spectra Database, the forbidden ones to 0.1 Angstrom or better
    "[O II] 3726": 3726.03, "[O II] 3729": 3728.82, "[Ne III] 3869": 3868.76, "Hδ": 4101.73, "Hγ": 4340.46,
    "[O III] 4363": 4363.21, "He II 4686": 4685.68, "Hβ": 4861.33, "[O III] 4959": 4958.91, "[O III] 5007": 5006.84,
    "He I 5876": 5875.62, "[O I] 6300": 6300.30, "[O I] 6364": 6363.78, "[N II] 6548": 6548.05, "Hα": 6562.80,
    "[N II] 6583": 6583.45, "He I 6678": 6678.15, "[S II] 6716": 6716.44, "[S II] 6731": 6730.82,
    "[Ar III] 7136": 7135.79, "[S III] 9069": 9068.62, "[S III] 9531": 9530.62,
}  # fmt: skip
SKY = {
    "O 5577": 5577.34,
    "Na 5890": 5889.95,
    "Na 5896": 5895.92,
    "O 6300": 6300.30,
    "O 6364": 6363.78,
}  # in air, observed
TOGETHER = (  # of one ion and alike in origin: where one is, the others are looked for
    ("Hα", "Hβ", "Hγ", "Hδ"),
    ("[O II] 3726", "[O II] 3729"),
    ("[O III] 5007", "[O III] 4959", "[O III] 4363"),
    ("[O I] 6300", "[O I] 6364"),
    ("[N II] 6583", "[N II] 6548"),
    ("[S II] 6716", "[S II] 6731"),
    ("He I 5876", "He I 6678"),
    ("[S III] 9531", "[S III] 9069"),
)
STRONGER = {  # fixed by atomic physics: the weaker line is never seen without the stronger, about three times its flux
    "[O III] 4959": "[O III] 5007", "[N II] 6548": "[N II] 6583", "[O I] 6364": "[O I] 6300", "[S III] 9069": "[S III] 9531",
}  # fmt: skip
ANGSTROM = {"Angstrom": 1.0, "nm": 10.0, "um": 1e4, "m": 1e10}  # what one unit of an axis is
MEDIA = ("air", "vacuum")


def to_vacuum(air: np.ndarray | float) -> np.ndarray:
    """Wavelengths in vacuum of wavelengths in air, both in Angstrom; from 2000 Angstrom on.

    λ_vac = λ_air n(λ), n of Morton 1991, doi:10.1086/191601, eq. 2, with 1/λ_air for 1/λ_vac (wrong by less than 1e-4 Angstrom)
    """
    squared = (1e4 / np.asarray(air, float)) ** 2
    return np.asarray(air) * (1 + 6.4328e-5 + 2.94981e-2 / (146 - squared) + 2.5540e-4 / (41 - squared))


def wavelengths(medium: str, redshift: float = 0.0) -> dict[str, float]:
    """Where each line is observed, Angstrom. medium : of the axis, "air" or "vacuum". Raises ParameterError.

    A redshift stretches wavelengths in vacuum; the answer for air is what a spectrograph in air then reads.
    """
    if medium not in MEDIA:
        raise ParameterError(f"The medium is {medium!r}, expected air or vacuum.")
    if not -0.01 < redshift < 20:
        raise ParameterError(f"The redshift is {redshift}, expected a number from -0.01 to 20.")
    seen = to_vacuum(np.array(list(LINES.values()))) * (1 + redshift)
    seen = seen / (to_vacuum(seen) / seen) if medium == "air" else seen
    return dict(zip(LINES, map(float, seen), strict=True))


def relatives(name: str) -> tuple[str, ...]:
    """The lines that belong to one, without itself."""
    return tuple(other for group in TOGETHER if name in group for other in group if other != name)
