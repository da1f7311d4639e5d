"""What a training depends on, so that only the same one goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np


def trained_from(model: Any, free: Sequence[str], *data: np.ndarray) -> dict[str, Any]:
    """What the training of a model depends on, in plain values by name, for spaxel.training.plan.Plan.about.

    free : parameters that a training may be gone on with another value of      data : what stands for the input
    """
    given = {name: value for name, value in model.get_params().items() if name not in free}
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    held = sha256()
    for array in data:
        held.update(np.ascontiguousarray(array).data)
    return {"method": type(model).__name__, "input": held.hexdigest()[:16], **plain}
