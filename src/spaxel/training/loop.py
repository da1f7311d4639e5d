"""The only training loop, on Lightning Fabric: device, precision and several processes are Fabric's business.

Several processes are those that torchrun or `fabric run` have started: each calls `train` with the same arguments and
trains on its rows of each batch, so that all of them together take the steps that one alone would.

A method brings an objective (a torch module: its parameters are learned, its forward(batch, step) gives a Loss), batches
per epoch, a score on data held out, and at most two hooks. The loop keeps the best state or the last one, as the plan says,
writes a checkpoint per epoch
without pickle, and goes on from it with the same bits. Chance comes from the generator of a step, which is a function of
(seed, number of the step) alone; steps are counted from the first epoch on, also through a checkpoint. torch's global
generator is never drawn from.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from spaxel.errors import ParameterError, SpaxelError
from spaxel.pace import tell
from spaxel.training import check_device
from spaxel.training.checkpoint import Keeper
from spaxel.training.plan import Plan, Step, Trained

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

Score = float | tuple[float, dict[str, float]]


def train(
    objective: nn.Module,
    batches: Callable[[int], Iterable[Any]],
    plan: Plan,
    *,
    score: Callable[[], Score] | None = None,
    after_step: Callable[[Step], None] | None = None,
    stop: Callable[[list[dict[str, float]]], bool] | None = None,
    stage: str = "epochs",
) -> Trained:
    """Minimise an objective by Adam and leave it in its best state, or in its last one (plan.keep).

    Changes the parameters of `objective`.

    objective  : module, forward(batch, step: Step) -> Loss      batches : epoch -> batches, tensors or tuples of them;
                 one is asked for at a time and none is kept, and epochs may have different numbers of them
    score      : lower is better, on data held out, asked before the first epoch and after each; None: the last state is kept
                 it may come with more for the history: (score, {name: value})
    after_step : told each step, as to project parameters      stop : asked after each epoch with the history
    stage      : what is told of it (spaxel.pace): (stage, epochs that are done, in all), first before the first
    Same seed, threads and number of processes, same bits on the CPU; another number of processes changes rounding, and what
    an objective draws by chance or takes from the batch as a whole.
    Raises ParameterError for an unknown device, a precision that it does not have, or a checkpoint of another training;
    SpaxelError if a loss is not finite or a checkpoint belongs to another objective.
    """
    with _quiet(plan.threads):
        fabric = _fabric(plan)
        optimizer = torch.optim.Adam(_groups(objective, plan.rate))
        module, optimizer = fabric.setup(objective, optimizer)
        keeper = Keeper(objective, optimizer, plan)
        fabric.barrier()
        rates = [group["lr"] for group in optimizer.param_groups]
        first = keeper.resume(fabric.device)
        if first == 0:
            keeper.consider(0, _scored(fabric, objective, score)[0])
        for epoch in range(first, plan.epochs):
            tell(stage, epoch, plan.epochs)
            if keeper.history and stop is not None and stop(keeper.history):
                break
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * epoch / plan.epochs) if plan.decay else 1.0)
            line = _one_epoch(fabric, module, optimizer, keeper, batches, plan, epoch, after_step)
            value, more = _scored(fabric, objective, score)
            keeper.history.append(line | more | {"score": keeper.consider(epoch + 1, value)})
            if fabric.is_global_zero:
                keeper.write(epoch + 1)
        if score is not None:
            keeper.restore_best()
    objective.to("cpu")
    return Trained(keeper.history, keeper.best if score is not None else len(keeper.history))


def _one_epoch(
    fabric: Fabric, module: nn.Module, optimizer: Any, keeper: Keeper, batches: Callable, plan: Plan, epoch: int,
    after_step: Any,
) -> dict[str, float]:  # fmt: skip
    module.train()
    sums: dict[str, float] = {}
    first, rank, world = keeper.steps, fabric.global_rank, fabric.world_size
    for batch in batches(epoch):
        chance = _generator(plan.seed, keeper.steps * world + rank, fabric.device)
        step = Step(epoch, plan.epochs, keeper.steps, chance)
        own, weight = _own(batch, rank, world)
        loss = module(fabric.to_device(own), step)
        if not torch.isfinite(loss.total):
            raise SpaxelError(
                f"The loss is not finite in epoch {epoch + 1}. Try a lower rate, or spectra without extremes."
            )
        optimizer.zero_grad()
        fabric.backward(loss.total * weight)
        if plan.clip:
            fabric.clip_gradients(module, optimizer, max_norm=plan.clip)
        optimizer.step()
        for name, value in {"total": loss.total, **loss.parts}.items():
            sums[name] = sums.get(name, 0.0) + weight * float(value.detach())
        keeper.steps += 1
        if after_step is not None:
            after_step(step)
    means = {name: value / (keeper.steps - first) for name, value in sums.items()}
    return {"epoch": epoch + 1} | (_shared(fabric, means) if world > 1 else means)


def _own(batch: Any, rank: int, world: int) -> tuple[Any, float]:
    """The rows of a batch that are for this process, every so many, and the weight that makes means of all their mean.

    A batch of fewer rows than there are processes is everybody's.
    """
    if world == 1:
        return batch, 1.0
    parts = (batch,) if isinstance(batch, Tensor) else tuple(batch)
    if not all(isinstance(part, Tensor) and len(part) == len(parts[0]) for part in parts):
        raise ParameterError("Several processes cannot share the batches of this training. Try it without torchrun.")
    n = len(parts[0])
    if n < world:
        return batch, 1.0
    own = tuple(part[rank::world] for part in parts)
    return (own[0] if isinstance(batch, Tensor) else own), len(own[0]) * world / n


def _shared(fabric: Fabric, means: dict[str, float]) -> dict[str, float]:
    """The mean over all processes, in double precision."""
    values = torch.tensor(list(means.values()), dtype=torch.float64, device=fabric.device)
    shared: Any = fabric.all_reduce(values, reduce_op="mean")
    return dict(zip(means, shared.tolist(), strict=True))


def _scored(fabric: Fabric, objective: nn.Module, score: Callable[[], Score] | None) -> tuple[float, dict[str, float]]:
    """The score as the first process has it: all decide alike."""
    if score is None:
        return float("nan"), {}
    objective.eval()
    with torch.no_grad():
        found = fabric.broadcast(score())
    return found if isinstance(found, tuple) else (float(found), {})


def _groups(objective: nn.Module, rate: float | dict[str, float]) -> Iterator[dict[str, Any]]:
    """Parameters by their rate: that of the longest beginning of their name."""
    rates = rate if isinstance(rate, dict) else {"": rate}
    for name, parameter in objective.named_parameters():
        fits = [prefix for prefix in rates if name.startswith(prefix)]
        yield {"params": [parameter], "lr": rates[max(fits, key=len)]}


def _generator(seed: int, number: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed((seed * 1_000_003 + number) % 2**63)


def _fabric(plan: Plan) -> Fabric:
    check_device(plan.device)
    cuda = plan.device != "cpu" and torch.cuda.is_available()
    if plan.precision.startswith("16") and not cuda:
        raise ParameterError(
            f"precision is {plan.precision!r}, which the cpu does not have. Try bf16-mixed or 32-true."
        )
    world, here = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    several: dict[str, Any] = {}
    if world > 1:
        several = {"strategy": DDPStrategy(find_unused_parameters=True), "num_nodes": world // here}
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=here if world > 1 else 1,
        precision=cast(Any, plan.precision),
        **several,
    )
    if several:
        fabric.launch()
    return fabric


@contextmanager
def _quiet(threads: int) -> Iterator[None]:
    """So many threads, and nothing said; both as they were afterwards."""
    log, before = logging.getLogger("lightning_fabric"), torch.get_num_threads()
    level = log.level
    torch.set_num_threads(threads)
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning_fabric|lightning_utilities")
            yield
    finally:
        torch.set_num_threads(before)
        log.setLevel(level)
