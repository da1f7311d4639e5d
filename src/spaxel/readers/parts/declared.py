"""Which array of an HDF5 file the file itself calls its spectra: NXdata, and groups by the conventions of instruments.

| who                 | the spectra                                   | their axis                                        |
|---------------------|-----------------------------------------------|---------------------------------------------------|
| NeXus               | `@signal` of NXdata, after the `@default` chain | `@axes`, `axis=N` of its neighbours               |
| PRISMA              | `PRS_L*_HCO/Data Fields/VNIR_Cube` (y, band, x) | `List_Cw_Vnir` of the root                        |
| NEON                | `SITE/Reflectance/Reflectance_Data`           | `Metadata/Spectral_Data/Wavelength`               |
| EMIT                | `reflectance` or `radiance`                   | `sensor_band_parameters/wavelengths`              |
| PyXRF               | `xrfmap/detsum/counts`                        | none                                              |
| MANTiS, Hermes      | `exchange/data`; `entry1/Counter0/data`       | `energy` beside it                                |
| Delmic              | `Acquisition*/ImageData/Image`                | `DIMENSION_LABELS`, `DimensionScaleC`             |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spaxel.readers.parts.axis import is_spectral
from spaxel.readers.parts.variables import Variable, Variables

Groups = Mapping[str, Mapping[str, Any]]  # path of a group ("" is the root) -> its attributes
_CHANNELS = ("channel", "band", "spectral", "spectrum", "bin", "c", "lambda", "mz")
_CONVENTIONS = (  # spectra, their axis (\1 … are groups of the first), number of the axis or None, how sure, whose
    (r"(.*/)?PRS_L\w+_HCO/Data Fields/VNIR_Cube", "@List_Cw_Vnir", 1, 2, "PRISMA"),
    (r"(.*/)?PRS_L\w+_H[CR][OC]/Data Fields/VNIR_Cube", "@List_Cw_Vnir", 1, 1, "PRISMA"),
    (r"(.*/)?PRS_L\w+_H[CR][OC]/Data Fields/SWIR_Cube", "@List_Cw_Swir", 1, 1, "PRISMA"),
    (r"([^/]+)/Reflectance/Reflectance_Data", r"\1/Reflectance/Metadata/Spectral_Data/Wavelength", 2, 2, "NEON"),
    (r"reflectance|radiance", "sensor_band_parameters/wavelengths", 2, 2, "EMIT"),
    (r"xrfmap/detsum/counts", "", 2, 2, "PyXRF"),
    (r"exchange/data", "exchange/energy", None, 2, "Data Exchange (MANTiS)"),
    (r"spectromicroscopy/optical_density", "exchange/energy", None, 1, "MANTiS"),
    (r"(entry\d*/Counter\d+)/data", r"\1/energy", 0, 1, "NXstxm (Hermes)"),
    (r"(entry\d*/Counter\d+)/data", r"\1/photon_energy", 0, 1, "NXstxm (Hermes)"),
)


def declare(variables: Variables, groups: Groups) -> Variables:
    """The variables, those that the file calls its spectra with `told`, `sure`, `spectral` and the scales that it names."""
    found = {name: _by_labels(name, variable, variables) for name, variable in variables.items()}
    for pattern, axis, at, sure, whose in _CONVENTIONS:
        for name in [n for n in found if re.fullmatch(pattern, n)]:
            scale = re.sub(pattern, axis, name)
            if (not axis or scale in found) and not found[name].told:
                found[name] = _told(found[name], f"{whose} keeps its spectra there", sure, at, scale)
    chosen = _default(groups)
    for group, attrs in groups.items():
        if text_of(attrs.get("NX_class")) == "NXdata" or ("signal" in attrs and group):
            _nexus(found, group, attrs, sure=2 if group == chosen else 1)
    return found


def spectral_name(name: str) -> bool:
    """Whether an axis of this name is spectral: wavelength, energy, band, channel, C …"""
    last = name.rpartition("/")[2]
    return is_spectral(last) or last.lower().rstrip("s") in _CHANNELS


def text_of(value: Any) -> str:
    """An attribute as text, '' if it is no text."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _told(variable: Variable, why: str, sure: int, at: int | None, scale: str) -> Variable:
    at = at if variable.spectral is None else variable.spectral
    if at is None or at >= len(variable.shape) or not scale:
        return replace(variable, told=why, sure=sure, spectral=at)
    return replace(variable, told=why, sure=sure, spectral=at, scales={**variable.scales, at: scale})


def _by_labels(name: str, variable: Variable, variables: Variables) -> Variable:
    """A variable whose dimensions are named: by DIMENSION_LABELS (Delmic, h5py), or by the scales of netCDF."""
    labels = _texts(variable.attrs.get("DIMENSION_LABELS", variable.attrs.get("Dimension_Labels", ())))
    if len(labels) != len(variable.shape):
        labels = [variable.scales.get(axis, "") for axis in range(len(variable.shape))]
    spectral = [axis for axis, label in enumerate(labels) if spectral_name(label)]
    if len(variable.shape) < 2 or len(spectral) != 1:
        return variable
    at, folder = spectral[0], name.rpartition("/")[0]
    beside = f"{folder}/DimensionScale{labels[at]}".lstrip("/")
    scales = {at: beside} if beside in variables else {}
    return replace(variable, spectral=at, labels=tuple(labels), scales={**variable.scales, **scales})


def _default(groups: Groups) -> str:
    """The group at which the chain of @default ends."""
    at, seen = "", set()
    while (following := text_of(groups.get(at, {}).get("default"))) and at not in seen:
        seen.add(at)
        inside = f"{at}/{following.strip('/')}".strip("/")
        at = inside if inside in groups else following.strip("/")
    return at


def _nexus(found: Variables, group: str, attrs: Mapping[str, Any], *, sure: int) -> None:
    """Marks the signal of an NXdata group, with the axes that the group, the signal or its neighbours name."""
    members = {n.rpartition("/")[2]: n for n in found if n.rpartition("/")[0] == group}
    flagged = [n for n in members if text_of(found[members[n]].attrs.get("signal")) == "1" or _number(
        found[members[n]].attrs.get("signal")) == 1]  # fmt: skip
    signal = next((n for n in (text_of(attrs.get("signal")), *flagged, "data", "counts") if n in members), None)
    if signal is None or len(found[members[signal]].shape) < 2:
        return
    name, variable = members[signal], found[members[signal]]
    axes = _texts(attrs.get("axes", variable.attrs.get("axes", ())))
    scales = {axis: members[label] for axis, label in enumerate(axes) if label in members}
    for label, path in members.items():
        number = _number(found[path].attrs.get("axis", attrs.get(f"{label}_indices")))
        number = number - 1 if "axis" in found[path].attrs and number is not None else number
        if label != signal and number is not None and 0 <= number < len(variable.shape):
            scales.setdefault(number, path)
    spectral = [axis for axis, path in scales.items() if spectral_name(path)]
    at = spectral[0] if len(spectral) == 1 else variable.spectral
    why = f"the NXdata group {group} names it" + (", and the file calls that group its default" if sure == 2 else "")
    found[name] = replace(variable, told=why, sure=sure, spectral=at, scales={**variable.scales, **scales})


def _texts(value: Any) -> list[str]:
    """A list of names in an attribute: an array of texts, or 'y:x:energy'."""
    if isinstance(value, (str, bytes)):
        return [part.strip() for part in re.split(r"[:,]", text_of(value).strip("[]"))]
    values = np.asarray(value).ravel().tolist() if value is not None else []
    if len(values) == 1:
        return _texts(values[0]) if isinstance(values[0], (str, bytes)) else []
    return [text_of(v).strip() for v in values]


def _number(value: Any) -> int | None:
    """An attribute as a whole number, None if it is none."""
    try:
        return int(np.ravel(value)[0]) if np.size(value) == 1 and not isinstance(value, type(None)) else None
    except (TypeError, ValueError):
        return None
