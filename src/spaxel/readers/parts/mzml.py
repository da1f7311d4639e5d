"""mzML as it is read from its beginning to its end: one spectrum after the other, nothing of it is kept.

Source: "mzML: a single, unifying data format for mass spectrometer output", HUPO PSI, version 1.1.0, and its vocabulary.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, iterparse

import numpy as np

from spaxel.errors import ReadError

TYPES = {"MS:1000521": "<f4", "MS:1000523": "<f8", "MS:1000519": "<i4", "MS:1000522": "<i8"}
ZLIB, PLAIN = "MS:1000574", "MS:1000576"
PACKED = {f"MS:100{number}" for number in (2312, 2313, 2314, 2746, 2747, 2748)}  # numpress
MASS, INTENSITY, LEVEL, TIME = "MS:1000514", "MS:1000515", "MS:1000511", "MS:1000016"
MOST = 2**26  # bytes of one list of numbers
Terms = dict[str, tuple[str, str]]  # accession -> (value, name of the unit)


class Scan(NamedTuple):
    """A spectrum: its level (1: not of fragments), time in seconds (NaN: not said), masses and intensities."""

    level: int
    seconds: float
    masses: np.ndarray
    intensities: np.ndarray


def scans(path: Path) -> Iterator[Scan]:
    """The spectra of an mzML file. Raises ReadError: truncated, damaged, or packed by numpress, which is not read."""
    groups: dict[str, Terms] = {}
    try:
        for _, element in iterparse(path, events=("end",)):
            kind = _tag(element)
            if kind == "referenceableParamGroup":
                groups[element.get("id", "")] = _terms(element, {})
            elif kind == "spectrum":
                yield _scan(path, element, groups)
                element.clear()
            elif kind == "chromatogram":
                element.clear()
    except (ParseError, ValueError, zlib.error) as error:
        raise ReadError(f"{path} is truncated or damaged: {error}. Try to copy it again.") from error


def _scan(path: Path, element: Element, groups: dict[str, Terms]) -> Scan:
    said: Terms = {}
    arrays: dict[str, np.ndarray] = {}
    for child in element.iter():
        kind = _tag(child)
        if kind in ("spectrum", "scan"):
            said |= _terms(child, groups)
        elif kind == "binaryDataArray":
            terms = _terms(child, groups)
            for wanted in (MASS, INTENSITY):
                if wanted in terms:
                    arrays[wanted] = _numbers(path, child, terms)
    value, unit = said.get(TIME, ("nan", "second"))
    empty = np.empty(0)
    masses, intensities = arrays.get(MASS, empty), arrays.get(INTENSITY, empty)
    if len(masses) != len(intensities):
        raise ReadError(f"{path} is damaged: a spectrum has {len(masses)} masses and {len(intensities)} intensities.")
    level = said.get(LEVEL, ("1", ""))[0]
    return Scan(int(level), float(value) * (60 if unit == "minute" else 1), masses, intensities)


def _numbers(path: Path, element: Element, terms: Terms) -> np.ndarray:
    """The numbers of a list."""
    if PACKED & set(terms):
        raise ReadError(
            f"{path} is packed by numpress, which is not read. Try to write it with zlib or without compression."
        )
    text = next((child.text for child in element if _tag(child) == "binary"), None) or ""
    data = base64.b64decode(text, validate=False)
    if ZLIB in terms:
        stream = zlib.decompressobj()
        data = stream.decompress(data, MOST)
        if stream.unconsumed_tail:
            raise ReadError(f"{path} is damaged: a list of numbers unpacks to more than {MOST / 2**20:.0f} MiB.")
    kind = next((TYPES[term] for term in terms if term in TYPES), None)
    if kind is None:
        raise ReadError(f"{path} is damaged: a list of numbers has no type. Try to copy it again.")
    return np.frombuffer(data, kind).astype(np.float64)


def _terms(element: Element, groups: dict[str, Terms]) -> Terms:
    """What the words of the vocabulary say right inside an element."""
    found: Terms = {}
    for child in element:
        if _tag(child) == "cvParam":
            found[child.get("accession", "")] = child.get("value", ""), child.get("unitName", "")
        elif _tag(child) == "referenceableParamGroupRef":
            found |= groups.get(child.get("ref", ""), {})
    return found


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
