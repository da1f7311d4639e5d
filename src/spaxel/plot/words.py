"""Units as they are printed in a paper."""

from __future__ import annotations

import re

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def printed(text: str) -> str:
    """Text with units as a paper writes them.

    >>> printed("wavenumber (1/cm)"), printed("50 um"), printed("10**-20 erg s-1 Angstrom-1")
    ('wavenumber (cm⁻¹)', '50 µm', '10⁻²⁰ erg s⁻¹ Å⁻¹')
    """
    text = re.sub(r"\bAngstrom(?![a-z])", "Å", re.sub(r"\bum\b", "µm", text))
    text = text.replace("1/cm", "cm⁻¹").replace("1/m)", "m⁻¹)")
    return re.sub(
        r"(?<=10)\*\*(-?\d+)|(?<=[a-zA-ZÅ])(-\d)\b", lambda found: (found[1] or found[2]).translate(RAISED), text
    )
