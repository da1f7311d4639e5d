"""Units of a spectral axis: one spelling for each, and what an axis in it is called."""

from __future__ import annotations

import re

QUANTITY = {  # what an axis in these units (lower case) is called
    **dict.fromkeys(("kev", "ev", "mev", "gev", "tev", "j"), "energy"),
    **dict.fromkeys(("nm", "um", "angstrom", "mm", "cm", "m"), "wavelength"),
    **dict.fromkeys(("hz", "khz", "mhz", "ghz", "thz"), "frequency"),
    **dict.fromkeys(("m/s", "km/s"), "velocity"),
    **dict.fromkeys(("min", "s"), "time"),
    "1/cm": "wavenumber", "1/m": "wavenumber", "index": "channel",
}  # fmt: skip
_SPELLINGS = {  # ours -> as found in files, lower case
    "nm": "nm nanometer nanometers nanometre nanometres nano-meters nms",
    "um": "um µm μm micron microns micrometer micrometers micrometre micrometres mum microm",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "m": "m meter meters metre metres",
    "Angstrom": "angstrom angstroms angstroem ångström ångstrom å a aa ang",
    "1/cm": "cm-1 1/cm cm^-1 cm^{-1} cm**-1 cm⁻¹ cm−1 /cm wavenumber wavenumbers raman_shift ramanshift rcm-1 "
    "relative_1/cm inverse_centimeters inverse_centimetres reciprocal_centimeters",
    "1/m": "m-1 1/m m^-1 m**-1 m⁻¹",
    "keV": "kev kiloelectronvolt kiloelectronvolts kilo_electron_volts",
    "eV": "ev electronvolt electronvolts electron_volt electron_volts",
    "Hz": "hz hertz", "kHz": "khz", "MHz": "mhz", "GHz": "ghz gigahertz", "THz": "thz terahertz",
    "m/s": "m/s m_s-1 m.s-1 m_s^-1 m_s**-1", "km/s": "km/s km_s-1 km.s-1 km_s^-1 km_s**-1 kms-1",
    "index": "index unknown none band bands pixel pixels channel channels",
}  # fmt: skip
UNITS = {found: ours for ours, spellings in _SPELLINGS.items() for found in spellings.split()} | {"": "index"}
_BRACKETS = re.compile(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$")


def canonical_units(units: str | None) -> str:
    """The one spelling of a unit that spaxel uses ('Nanometers' -> 'nm'); an unknown one is kept as it is.

    A unit in brackets after a name counts: 'Wavenumbers (cm-1)' is '1/cm'.
    """
    text = str(units or "").strip()
    brackets = _BRACKETS.search(text)
    for part in (text, brackets[1] if brackets else ""):
        key = "_".join(part.lower().replace("_", " ").split()).rstrip(".")
        for spelled in (key, key.replace("_", "")):
            if (part == text or spelled) and (found := UNITS.get(spelled)):
                return found
    return text
