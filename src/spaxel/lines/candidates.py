"""What a peak may be, with what speaks for it. One kind of answer for elements and for gas."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Candidate(NamedTuple):
    """A candidate for a peak, not a proof.

    name, line   : 'Fe', 'Kα' of an element; '[O III] 5007', '' of gas     known : where the table has the line
    position     : of the peak, in units of the axis                       height, sigma : above its surroundings
    times        : height over that in the mean of the cube; nan where the mean has none
    support      : other lines of the same element or ion that are seen
    note         : what else to know; '' if nothing
    """

    name: str
    line: str
    known: float
    position: float
    height: float
    sigma: float
    times: float
    support: tuple[str, ...]
    note: str = ""

    @property
    def off(self) -> float:
        """How far the peak lies from the line, in units of the axis."""
        return self.position - self.known


def times_mean(height: float, mean: np.ndarray, error: np.ndarray, channel: int) -> float:
    """Height at a channel over the height in the mean of the cube there, if that stands above three errors."""
    return float(height / mean[channel]) if mean[channel] > 3 * error[channel] else float("nan")
