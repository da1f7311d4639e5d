"""The best state of a training so far, and its checkpoint: safetensors and JSON, no pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, safe_open, save_file
from torch import Tensor, nn

from spaxel.errors import SpaxelError


class Keeper:
    """The history and the best state so far, in memory and in the checkpoint."""

    def __init__(self, objective: nn.Module, optimizer: Any, path: Path | None) -> None:
        self.objective, self.optimizer, self.path = objective, optimizer, path
        self.history: list[dict[str, float]] = []
        self.best, self.lowest, self.state = 0, float("inf"), _copied(objective)
        self.steps = 0  # that are done

    def consider(self, epoch: int, score: float) -> float:
        """Keep the state if its score is the lowest so far; returns the score."""
        if score < self.lowest:
            self.best, self.lowest, self.state = epoch, score, _copied(self.objective)
        return score

    def restore_best(self, wanted: bool) -> None:
        """Put the best state back."""
        if wanted:
            self.objective.load_state_dict(self.state)

    def write(self, epoch: int) -> None:
        """The checkpoint, beside its place and renamed."""
        if self.path is None:
            return
        arrays = {f"now.{k}": v for k, v in _copied(self.objective).items()}
        arrays |= {f"best.{k}": v for k, v in self.state.items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            arrays |= {f"adam.{i}.{k}": torch.as_tensor(v).detach().cpu().clone() for k, v in moments.items()}
        about = {"epoch": epoch, "steps": self.steps, "best": self.best, "lowest": self.lowest, "history": self.history}
        beside = self.path.with_name(self.path.name + ".part")
        save_file(arrays, beside, metadata={"about": json.dumps(about)})
        beside.replace(self.path)

    def resume(self, device: torch.device) -> int:
        """The epoch to go on with, 0 without a checkpoint. Raises SpaxelError if it belongs to another objective."""
        if self.path is None or not self.path.is_file():
            return 0
        arrays = load_file(self.path)
        with safe_open(self.path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
        try:
            self.objective.load_state_dict(_under(arrays, "now."))
        except RuntimeError as error:
            raise SpaxelError(f"{self.path} is the checkpoint of another model. Try without it. {error}") from error
        self.state, self.history = _under(arrays, "best."), about["history"]
        self.best, self.lowest, self.steps = about["best"], about["lowest"], about["steps"]
        state = self.optimizer.state_dict()
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(arrays, "adam.").items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = value if key == "step" else value.to(device)
        self.optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})
        return int(about["epoch"])


def _under(arrays: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _copied(objective: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in objective.state_dict().items()}
