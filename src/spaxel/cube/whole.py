"""Samples whose missing values are completed."""

from __future__ import annotations

import numpy as np

from spaxel.cube.completion import Completion, complete
from spaxel.cube.sampling import Sample

TOGETHER = 512  # spectra that are looked at together


def completed_sample(sample: Sample, model: Completion) -> Sample:
    """A sample without missing values. model : how they are completed"""
    channels = sample.spectra.shape[1]
    pairs = complete(sample.pairs.reshape(-1, channels), model).reshape(sample.pairs.shape)
    return sample._replace(spectra=complete(sample.spectra, model), pairs=pairs)


def whole_numbers(sample: Sample, model: Completion) -> Sample:
    """The sample as it is; where all that was measured are whole numbers, what was completed becomes whole too.

    So that counts are still seen to be counts.
    """
    if not model.whole.all() or sample.spectra.dtype.kind != "f":
        return sample
    return sample._replace(spectra=_rounded(sample.spectra), pairs=_rounded(sample.pairs))


def _rounded(values: np.ndarray) -> np.ndarray:
    """Whole numbers; itself where all are, which is seen without a copy."""
    parts = (values[i : i + TOGETHER] for i in range(0, len(values), TOGETHER))
    return values if all((part == np.round(part)).all() for part in parts) else np.round(values)
