"""Which format of RosettaSciIO a file is, by its content; short signatures count only together with the suffix."""

from __future__ import annotations

import struct
from pathlib import Path

from spaxel.readers.parts.h5 import is_hdf5
from spaxel.readers.parts.zarrays import is_zarr

MODULES = {  # the suffix that RosettaSciIO expects -> its module
    "bcf": "bruker", "spx": "bruker", "wdf": "renishaw", "hspy": "hspy", "zspy": "zspy", "emd": "emd",
    "dm3": "digitalmicrograph", "dm4": "digitalmicrograph", "ser": "tia", "emi": "tia", "pts": "jeol", "eds": "jeol",
    "elid": "phenom", "prz": "pantarhei", "spd": "edax", "spc": "edax", "sur": "digitalsurf", "pro": "digitalsurf",
    "tvf": "trivista", "xml": "jobinyvon", "h5": "delmic", "rpl": "ripple", "msa": "msa", "img": "hamamatsu",
    "unf": "semper", "sac": "quadstar",
}  # fmt: skip
_MAGIC = {  # signatures that no other file begins with
    b"AAMVHFSS": "bcf", b"SFMHFSSS": "bcf", b"WDF1": "wdf", b"DIGITAL SURF": "sur", b"DSCOMPRESSED": "sur",
    b"MAPSPECTRA_DATA": "spd",
}  # fmt: skip
_STARTS: dict[str, bytes | tuple[bytes, ...]] = {  # short ones
    "dm3": b"\0\0\0\3", "dm4": b"\0\0\0\4", "ser": b"II\x97\1", "pts": b"\x30\1\0\0", "elid": b"BZh",
    "spc": (struct.pack("<f", 0.61), struct.pack("<f", 0.70)),
}  # fmt: skip
_ZIP, _BOM, _PRZ = b"PK\3\4", b"\xef\xbb\xbf", (b"data_model.npy", b"meta_data.npy", b"meta_data_json.npy")
_SEMPER = "Semper".encode("utf-16-le")


def kind_of(path: Path, head: bytes) -> str:
    """The suffix that RosettaSciIO knows this content by, '' if it is none of them. head : b"" for a folder"""
    if path.is_dir():
        return "zspy" if is_zarr(path) and is_zarr(path / "Experiments") else ""
    for magic, suffix in _MAGIC.items():
        if head.startswith(magic):
            return suffix
    if is_hdf5(head):
        return _kind_of_hdf5(path)
    if head.startswith(_ZIP):
        return _kind_of_zip(path, head)
    suffix = path.suffix.lower().lstrip(".")
    if suffix in _STARTS and head.startswith(_STARTS[suffix]):
        return suffix
    return _kind_of_text(suffix, head) or _kind_of_header(path, suffix, head)


def _kind_of_text(suffix: str, head: bytes) -> str:
    text = head.removeprefix(_BOM).lstrip()
    if text.startswith(b"<"):
        for mark, kind in ((b"<LSX_Data", "xml"), (b"<TRTSpectrum", "spx"), (b"<XmlMain", "tvf")):
            if mark in text:
                return kind
    if text.startswith(b"#FORMAT") and b"EMSA" in text[:200]:
        return "msa"
    words = (b"width", b"height", b"depth", b"data-length")
    return "rpl" if suffix == "rpl" and all(word in head.lower() for word in words) else ""


def _kind_of_header(path: Path, suffix: str, head: bytes) -> str:
    """Formats that are known by what stands in fixed places of their header."""
    if suffix == "raw" and ripple_header(path) is not None and not path.with_suffix(".hdr").exists():
        return "rpl"
    if suffix == "img" and head.startswith(b"IM") and b"[Application]" in head:
        return "img"
    if suffix == "unf" and _SEMPER in head[:80]:
        return "unf"
    if suffix == "sac" and len(head) > 0xD0:
        second, minute, hour, day, month = head[8:13]
        (traces,) = struct.unpack_from("<h", head, 0x68)
        whole = second < 60 and minute < 60 and hour < 24 and 1 <= day <= 31 and 1 <= month <= 12
        return "sac" if whole and 1 <= traces <= 64 and head[0xC8] == 0x11 else ""
    return ""


def ripple_header(path: Path) -> Path | None:
    """The ripple header (.rpl) of a file of numbers (.raw), or None."""
    return next((p for s in (".rpl", ".RPL") if (p := path.with_suffix(s)).is_file()), None)


def ripple_numbers(path: Path) -> Path | None:
    """The file of numbers (.raw) of a ripple header (.rpl), or None."""
    return next((p for s in (".raw", ".RAW") if (p := path.with_suffix(s)).is_file()), None)


def _kind_of_zip(path: Path, head: bytes) -> str:
    if path.suffix.lower() == ".prz" or any(mark in head for mark in _PRZ):
        return "prz"
    return "zspy" if path.suffix.lower() == ".zspy" or b"Experiments/" in head else ""


def _kind_of_hdf5(path: Path) -> str:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "Experiments" in file:
                return "hspy"
            if any(_is_acquisition(file[name]) for name in file if name.startswith("Acquisition")):
                return "h5"
            groups = [file, *(item for item in file.values() if isinstance(item, h5py.Group))]
            is_emd = any("version_major" in g.attrs for g in groups) or "Data/SpectrumImage" in file
            return "emd" if is_emd else ""
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        return ""


def _is_acquisition(group: object) -> bool:
    """Whether a group of HDF5 is one of Odemis, the program of Delmic's microscopes."""
    held = set(group) if hasattr(group, "keys") else set()  # type: ignore[call-overload]
    return {"SVIData", "PhysicalData", "ImageData"} <= held
