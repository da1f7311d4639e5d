"""The arguments of a world, checked at its door."""

from __future__ import annotations

import math
import operator
from typing import Any

from spaxel.errors import ParameterError


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """The value as int, if it is a whole number in low … high; else ParameterError with its name and value."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not low <= number <= high:
        raise ParameterError(f"{name} is {value!r}, expected a whole number from {low} to {high}.")
    return number


def real_number(name: str, value: Any, low: float, high: float) -> float:
    """The value as float, if it is a finite number in low … high; else ParameterError with its name and value."""
    number = float(value) if isinstance(value, (int, float)) or hasattr(value, "__float__") else math.nan
    if isinstance(value, bool) or not low <= number <= high:
        raise ParameterError(f"{name} is {value!r}, expected a number from {low:g} to {high:g}.")
    return number


def true_or_false(name: str, value: Any) -> bool:
    """The value as bool, if it is one, 0 or 1, or those words (as a command line gives them); else ParameterError."""
    words = {"true": True, "false": False, "1": True, "0": False}
    if (word := str(value).lower()) not in words:
        raise ParameterError(f"{name} is {value!r}, expected true or false.")
    return words[word]
