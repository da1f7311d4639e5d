"""From a field to an encoder: worlds are drawn, a net is trained on them. Needs PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.fields import Field
from spaxel.methods.learned.worlds import draw_worlds


def check_ready(device: str) -> None:
    """Raise MissingExtra without PyTorch, ParameterError for a device that there is not."""
    from spaxel.training import check_device, check_extra

    check_extra("train-metric")
    check_device(device)


def learn(
    field: Field, worlds: int, epochs: int, *, seed: int, device: str, checkpoint: Path, about: dict[str, Any]
) -> tuple[Encoder, list[dict[str, float]]]:
    """The encoder of the best epoch, and the history. about : what the training depends on, for the checkpoint"""
    from spaxel.methods.learned.net.training import Given, learn_encoder

    given = Given(*draw_worlds(field, worlds, seed), widths=None if field.counts else np.diff(field.edges))
    return learn_encoder(given, epochs, seed=seed, device=device, checkpoint=checkpoint, about=about)
