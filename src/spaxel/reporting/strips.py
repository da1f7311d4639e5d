"""What is no image: a list of spectra, or an image so elongated that a map of square pixels would be a thread."""

from __future__ import annotations


def is_strip(shape: tuple[int, ...]) -> bool:
    """Whether this is a list of spectra, or so elongated that a map of square pixels would be a thread."""
    return min(shape) == 1 or max(shape) > 30 * min(shape)
