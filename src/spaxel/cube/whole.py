"""Samples whose missing values are completed."""

from __future__ import annotations

import numpy as np

from spaxel.cube.completion import Completion, complete
from spaxel.cube.sampling import Sample


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
    return sample._replace(spectra=np.round(sample.spectra), pairs=np.round(sample.pairs))
