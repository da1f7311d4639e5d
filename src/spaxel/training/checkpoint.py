"""The best state of a training so far, and its checkpoint: safetensors and JSON, no pickle.

A method that trains in several phases has one file for all of them: that of a phase holds the earlier ones as they ended, so
that going on from it trains none of them again; one that is trained longer makes those after it begin anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, safe_open, save_file
from torch import Tensor, nn

from spaxel.errors import ParameterError, SpaxelError
from spaxel.training.plan import Plan


class Keeper:
    """The history and the best state so far, in memory and in the checkpoint."""

    def __init__(self, objective: nn.Module, optimizer: Any, plan: Plan) -> None:
        self.objective, self.optimizer, self.path = objective, optimizer, plan.checkpoint
        self.epochs, self.about = plan.epochs, json.loads(json.dumps(plan.about))
        self.phase, self.last = plan.phase, plan.keep == "last"
        self.earlier: tuple[dict[str, Tensor], dict[str, Any]] = {}, {}  # arrays and words of the phases before
        self.history: list[dict[str, float]] = []
        self.best, self.lowest, self.state = 0, float("inf"), _copied(objective)
        self.steps = 0  # that are done

    def consider(self, epoch: int, score: float) -> float:
        """Keep the state if its score is the lowest so far, or if the last one is wanted; returns the score."""
        if self.last or score < self.lowest:
            self.best, self.lowest, self.state = epoch, score, _copied(self.objective)
        return score

    def restore_best(self) -> None:
        """Put the best state back."""
        self.objective.load_state_dict(self.state)

    def write(self, epoch: int) -> None:
        """The checkpoint, beside its place and renamed."""
        if self.path is None:
            return
        arrays = {f"now.{k}": v for k, v in _copied(self.objective).items()}
        arrays |= {f"best.{k}": v for k, v in self.state.items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            arrays |= {f"adam.{i}.{k}": _packed(torch.as_tensor(v)) for k, v in moments.items()}
        arrays = self.earlier[0] | {f"{self.phase}.{k}": v for k, v in arrays.items()}
        own = {"epoch": epoch, "steps": self.steps, "best": self.best, "lowest": self.lowest, "history": self.history}
        about = {"about": self.about, "phases": self.earlier[1] | {str(self.phase): own}}
        beside = self.path.with_name(self.path.name + ".part")
        save_file(arrays, beside, metadata={"about": json.dumps(about)})
        beside.replace(self.path)

    def resume(self, device: torch.device) -> int:
        """The epoch to go on with, 0 without a checkpoint or where it has nothing of this phase yet.

        Raises ParameterError if it is of another training, SpaxelError if it is of another objective or damaged.
        """
        if self.path is None or not self.path.is_file():
            return 0
        arrays, about, phases = _read(self.path)
        own = phases.get(str(self.phase))
        self._check(about, own["epoch"] if own else 0)
        self.earlier = (
            {name: value for name, value in arrays.items() if int(name.partition(".")[0]) < self.phase},
            {name: words for name, words in phases.items() if int(name) < self.phase},
        )
        if own is None:
            return 0
        arrays = _under(arrays, f"{self.phase}.")
        try:
            self.objective.load_state_dict(_under(arrays, "now."))
        except RuntimeError as error:
            raise SpaxelError(f"{self.path} is the checkpoint of another model. Try without it. {error}") from error
        self.state, self.history = _under(arrays, "best."), own["history"]
        self.best, self.lowest, self.steps = own["best"], own["lowest"], own["steps"]
        state = self.optimizer.state_dict()
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(arrays, "adam.").items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = value if key == "step" else value.to(device)
        self.optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})
        return int(own["epoch"])

    def _check(self, held: dict[str, Any], done: int) -> None:
        """Refuse what was trained from other things, or longer than asked; what explains all else is named alone."""
        pairs = {name: (self.about.get(name), held.get(name)) for name in sorted({*held, *self.about})}
        differ = {name: f"{name} is {now!r}, there {then!r}" for name, (now, then) in pairs.items() if now != then}
        if "method" in differ:
            differ = {"method": differ["method"]}
        elif done > self.epochs:
            differ["done"] = f"{self.epochs} epochs are asked for, there {done} are done"
        if len(differ) > 1:
            differ.pop("input", None)  # a sample of it, which depends on the parameters
        if differ:
            said = "; ".join(differ.values())
            raise ParameterError(
                f"{self.path} is the checkpoint of another training: {said}. Try the same again, or without it."
            )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """Arrays of a checkpoint, what it is of, and how far each phase is."""
    try:
        with safe_open(path, framework="pt") as file:
            held = json.loads(file.metadata()["about"])
        return load_file(path), held["about"], held["phases"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise SpaxelError(f"{path} is no checkpoint, or damaged: {error}. Try without it.") from error


def _under(arrays: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _copied(objective: nn.Module) -> dict[str, Tensor]:
    return {name: _packed(value) for name, value in objective.state_dict().items()}


def _packed(value: Tensor) -> Tensor:
    """A copy on the cpu that lies in memory row by row, as safetensors asks for, also of a transposed tensor."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)
