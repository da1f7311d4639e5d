"""What a method and the training loop tell each other: how to train, a loss, where the training is, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor


class Loss(NamedTuple):
    """total : what is minimised, a scalar tensor with a gradient      parts : {name: scalar}, for the history."""

    total: Tensor
    parts: dict[str, Tensor]


class Step(NamedTuple):
    """Where the training is: epoch of epochs, number of the step from 0, and the generator to draw chance from."""

    epoch: int
    epochs: int
    number: int
    generator: torch.Generator


class Trained(NamedTuple):
    """history : a dict per epoch, with the mean of each part, and `score`      best : epoch of the state kept, 0 the start."""

    history: list[dict[str, float]]
    best: int


@dataclass(frozen=True)
class Plan:
    """How to train: all that is not the objective.

    rate : of Adam, or per parameter by the beginning of its name {"": 1e-3, "pool.raw": 1e-4}
    device : cpu, cuda or auto      precision : as Fabric names it      threads : of the cpu
    decay : rates fall to 0 over the epochs, as half a wave of the cosine
    checkpoint : file (safetensors), written after each epoch; training goes on from one that exists
    about : what the training depends on, in plain values by name; a checkpoint with others is refused
    phase : of a method that trains several times, with one checkpoint and one `about`: which time this is
    keep : the state that is left: best (lowest score), or last, whatever its score
    """

    epochs: int
    rate: float | dict[str, float] = 1e-3
    seed: int = 0
    device: str = "cpu"
    precision: str = "32-true"
    threads: int = 1
    clip: float = 0.0
    decay: bool = False
    checkpoint: Path | None = None
    about: dict[str, Any] = field(default_factory=dict)
    phase: int = 1
    keep: Literal["best", "last"] = "best"
