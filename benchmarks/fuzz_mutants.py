"""Damage done to a file, drawn from a seed: bits, cuts, splices, extreme numbers, other words in its text."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np

EXTREMES = tuple(
    value.to_bytes(size, "little")
    for size in (1, 2, 4, 8)
    for value in (0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size - 2))
)
NUMBERS = (
    b"0",
    b"-1",
    b"1e999",
    b"nan",
    b"-inf",
    b"2147483648",
    b"99999999999999999999",
    b"1e-400",
    b"",
    b"0x10",
    b"1,5",
)
WORDS = (
    b"",
    b"\0",
    b"{",
    b"}",
    b'"',
    b"<",
    b"../../x",
    b"=1+1",
    b"\x1b[2J",
    b"\xff\xfe",
    b"A" * 5000,
    b"None",
    b"object",
)
RUN_OF_DIGITS, RUN_OF_LETTERS = re.compile(rb"-?\d[\d.]{0,20}"), re.compile(rb"[A-Za-z_]{3,40}")


def seed_of(name: str, number: int) -> np.random.Generator:
    """The chance of one mutant: of its format and number alone."""
    return np.random.default_rng([zlib.crc32(name.encode()), number])


def damage(folder: Path, opened: Path, rng: np.random.Generator) -> str:
    """Damage one file in the folder of a format, in place; what was done, in a few words."""
    files = sorted(path for path in (opened, *folder.rglob("*")) if path.is_file())
    weights = np.array(
        [1 + 3 * (path == opened or path.suffix in (".json", ".zarray", ".hdr")) for path in files], float
    )
    path = files[rng.choice(len(files), p=weights / weights.sum())]
    whole = path.read_bytes()
    kind = rng.choice(["bits", "cut", "splice", "extreme", "number", "word", "bytes"])
    path.write_bytes(DAMAGES[kind](whole, rng) if whole else b"\0")
    return f"{kind} in {path.relative_to(folder)}"


def _place(whole: bytes, rng: np.random.Generator) -> int:
    """Half of the places lie in the first 600 bytes, where headers are."""
    return int(rng.integers(len(whole) if rng.random() < 0.5 else min(len(whole), 600)))


def _bits(whole: bytes, rng: np.random.Generator) -> bytes:
    bad = bytearray(whole)
    for _ in range(rng.integers(1, 9)):
        bad[_place(whole, rng)] ^= 1 << int(rng.integers(8))
    return bytes(bad)


def _bytes(whole: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(whole, rng), int(rng.integers(1, 33))
    return whole[:at] + rng.bytes(size) + whole[at + size :]


def _cut(whole: bytes, rng: np.random.Generator) -> bytes:
    return whole[: rng.integers(len(whole))]


def _splice(whole: bytes, rng: np.random.Generator) -> bytes:
    """A piece of the file is put elsewhere in it, over what is there, between it, or is taken out."""
    first, size, at = _place(whole, rng), int(rng.integers(1, 65)), _place(whole, rng)
    piece = whole[first : first + size]
    return whole[:at] + (piece if rng.random() < 0.7 else b"") + whole[at + int(rng.choice([0, len(piece)])) :]


def _extreme(whole: bytes, rng: np.random.Generator) -> bytes:
    number = EXTREMES[rng.integers(len(EXTREMES))]
    number = number if rng.random() < 0.6 else number[::-1]
    at = _place(whole, rng) // len(number) * len(number)
    return whole[:at] + number + whole[at + len(number) :]


def _number(whole: bytes, rng: np.random.Generator) -> bytes:
    return _replaced(whole, rng, RUN_OF_DIGITS, NUMBERS)


def _word(whole: bytes, rng: np.random.Generator) -> bytes:
    return _replaced(whole, rng, RUN_OF_LETTERS, WORDS)


def _replaced(whole: bytes, rng: np.random.Generator, run: re.Pattern[bytes], by: tuple[bytes, ...]) -> bytes:
    """One run of text is another; half of the time of the same length, so that what follows keeps its place."""
    found = run.search(whole, _place(whole, rng)) or run.search(whole)
    if found is None:
        return _bits(whole, rng)
    other, size = by[rng.integers(len(by))], len(found[0])
    if rng.random() < 0.5:
        other = other[:size].ljust(size)
    return whole[: found.start()] + other + whole[found.end() :]


DAMAGES = {
    "bits": _bits, "cut": _cut, "splice": _splice, "extreme": _extreme, "number": _number, "word": _word, "bytes": _bytes,
}  # fmt: skip
