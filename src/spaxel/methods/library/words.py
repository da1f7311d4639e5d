"""What is said of an unmixing by a library: the names of groups, a sentence, and what is doubtful."""

from __future__ import annotations

import numpy as np

from spaxel.methods.library.candidates import Learned
from spaxel.methods.library.trust import HALF

NAMED = 3  # entries of a group that its name holds
STRUCTURED = 3.0  # heat from which what is left is not noise alone
MANY, FEW = 0.1, 0.5  # share of spectra from which it is said; of what is found, below which it is
COARSE = 1.5  # steps of the data in one of the library


def names_of(names: list[str], members: np.ndarray) -> str:
    """'kaolinite 1 or kaolinite 2 or 4 more': a group in words. members : rows of the library, the likeliest first"""
    own = [names[i] for i in members]
    shown = own if len(own) <= NAMED else [*own[: NAMED - 1], f"{len(own) - NAMED + 1} more"]
    return " or ".join(shown)


def sentence_of(found: Learned, m: int) -> str:
    """How many entries are present, and how far that can be trusted."""
    k = int((found.probability.max(0, initial=0) >= HALF).sum()) if len(found.probability) else 0
    alike = m - found.groups.number
    told = f" {alike} entries cannot be told from others here." if alike else ""
    trust = found.trust
    here = (
        f"{k} of {found.groups.number} entries that can be told apart are more likely present than not in at least one "
        f"spectrum.{told}"
    )
    if np.isnan(trust.found.item()):
        return here
    return (
        f"{here} In mixtures simulated from this library at this noise {trust.found.item():.0%} of what was there was "
        f"found, and {trust.right.item():.0%} of what was found was there."
    )


def doubts_of(found: Learned, most: int, coarse: float) -> list[str]:
    """Sentences about what is doubtful."""
    n = len(found.seen)
    heat = np.array([one.heat for one in found.seen])
    full = np.array([np.count_nonzero(one.likely) >= most for one in found.seen])
    told = []
    if (odd := (heat > STRUCTURED).sum()) > MANY * n:
        told.append(
            f"What the library leaves of {odd} of {n} spectra is not noise: it is alike in neighbouring channels. They hold "
            "something that the library lacks, or were measured otherwise (resolution, background, shift); what is said to be "
            "present may stand for it. Try --background 2, or a library of the same instrument."
        )
    if full.sum() > MANY * n:
        told.append(
            f"{full.sum()} of {n} spectra hold {most}, the most that were allowed: the library does not explain them with few "
            f"entries. Try --most {most + 4}, or see whether it lacks something."
        )
    if (found.probability.max(0, initial=0) < HALF).all():
        told.append(
            "No entry of the library is more likely present than not; the likeliest is shown. The library may not fit."
        )
    if found.trust.found.item() < FEW:
        told.append(
            f"This library can hardly be told apart at this noise: of simulated mixtures only {found.trust.found.item():.0%} "
            "of what was there was found. What is not said to be present may well be. Try a smaller library, or less noise."
        )
    if coarse > COARSE:
        told.append(f"The library is {coarse:.1f} times coarser than the data and was interpolated. Try --step rebin.")
    return told
