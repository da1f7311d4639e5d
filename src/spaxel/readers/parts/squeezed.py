"""Numbers as JCAMP-DX writes them in (X++(Y..Y)): plain, packed, squeezed, as differences, with counts of repeats.

Source: McDonald & Wilks 1988, doi:10.1366/0003702884428734, section "ASCII squeezed difference form". A letter is the sign and
first digit of a value (@ A-I a-i), of a difference from the value before (% J-R j-r), or of a count of repeats (S-Z s).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spaxel.errors import ReadError

_VALUE = {**dict(zip("@ABCDEFGHI", "0123456789", strict=True)), **{c: f"-{i}" for i, c in enumerate("abcdefghi", 1)}}
_STEP = {**dict(zip("%JKLMNOPQR", "0123456789", strict=True)), **{c: f"-{i}" for i, c in enumerate("jklmnopqr", 1)}}
_COUNT = dict(zip("STUVWXYZs", "123456789", strict=True))
_TOKEN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]\d{1,3})?|[@A-Ia-i%J-Rj-rS-Zs][\d.]*|\?")
MOST = 50_000_000  # values


def unsqueezed(path: Path, lines: Sequence[str]) -> np.ndarray:
    """The y values of all lines; the x at the beginning of each is left out.

    A line after one that ended in differences begins with the value that came last, as a check. "?" is NaN.
    Raises ReadError for a check that fails, for what is no number, and for absurd counts.
    """
    values: list[float] = []
    difference = False
    for line in lines:
        tokens = _TOKEN.findall(line)
        if re.sub(r"[\s,;]+", "", _TOKEN.sub("", line)) or not tokens:
            raise ReadError(f"{path} holds {line[:40]!r} among its values, which is no number. Try to correct it.")
        start = len(values)
        check = values[-1] if difference and values else None
        difference = _take(path, tokens[1:], values)
        if check is not None and len(values) > start:
            if not np.isclose(values[start], check, rtol=1e-6, atol=1e-9):
                raise ReadError(
                    f"{path} is damaged: a check fails, {values[start]:g} is not {check:g} at {line[:40]!r}."
                )
            del values[start]
    return np.array(values)


def _take(path: Path, tokens: Sequence[str], values: list[float]) -> bool:
    """Add the values of a line; whether its last value was a difference."""
    last, step, difference = float("nan"), 0.0, False
    for token in tokens:
        first = token[0]
        try:
            if first in _COUNT:
                count = int(_COUNT[first] + token[1:]) - 1
                if count + len(values) > MOST:
                    raise ReadError(f"{path} is damaged: a value is repeated {count} times. Try to copy it again.")
                for _ in range(count):
                    last = last + step if difference else last
                    values.append(last)
                continue
            difference = first in _STEP
            step = float(_STEP[first] + token[1:]) if difference else 0.0
            last = last + step if difference else _plain(token)
        except ValueError as error:
            raise ReadError(f"{path} holds {token!r} among its values, which is no number.") from error
        values.append(last)
    return difference


def _plain(token: str) -> float:
    if token == "?":
        return float("nan")
    return float(_VALUE[token[0]] + token[1:]) if token[0] in _VALUE else float(token)
