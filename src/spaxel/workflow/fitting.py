"""A fit as a command does it: with a checkpoint beside the result, and in one of several processes."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from spaxel.errors import Exists, ParameterError
from spaxel.store.owner import advising
from spaxel.store.uploads import place_of


def process_number() -> int:
    """Which process of those that torchrun (or `fabric run`) has started this is; 0 the first or the only one."""
    return int(os.environ.get("RANK", "0"))


def fit(
    model: Any,
    data: Any,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> Path | None:
    """Fit a model whose result will lie at `out`. Returns the checkpoint that is to be deleted once it does, or None.

    A method with the parameter `checkpoint` writes `OUT.checkpoint` after each epoch, unless its own `checkpoint` is set;
    the parameter is as it was afterwards. resume : go on from that file, with the same bits as without an interruption
    overwrite : delete one that is there
    Where there is nothing to resume from, that is warned of. Raises Exists if there is a checkpoint and neither is given,
    ParameterError if its seed, parameters or input are others.
    """
    own = model.get_params().get("checkpoint", False)
    if own is not None:
        if resume and own:
            raise ParameterError(
                f"{type(model).__name__} has a checkpoint of its own, from which it goes on. Try without --resume."
            )
        if resume and process_number() == 0:
            warnings.warn(f"There is nothing of {out} to resume from, so the fit begins anew.", stacklevel=2)
        model.fit(data)
        return None
    path = place_of(out)
    path = path.with_name(f"{path.name}.checkpoint")
    if process_number() == 0:
        cleared(path, resume=resume, overwrite=overwrite)
    model.set_params(checkpoint=str(path))
    try:
        with advising(lambda: _advice(path)):
            model.fit(data)
    except KeyboardInterrupt as interruption:
        interruption.args = (_advice(path),)
        raise
    finally:
        model.set_params(checkpoint=None)
    return path


def _advice(path: Path) -> str:
    return f"The epochs that are done are in {path}: go on with --resume." if path.is_file() else ""


def cleared(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Make sure that what lies at the place of a checkpoint is wanted there."""
    if resume:
        if not path.is_file():
            warnings.warn(f"There is no {path} to resume from, so the fit begins anew.", stacklevel=3)
        return
    if not path.exists():
        return
    if not overwrite:
        raise Exists(f"{path} is there, of a fit that was interrupted. Try --resume to go on with it, or --overwrite.")
    if not _is_checkpoint(path):
        raise Exists(f"{path} was not written by spaxel, so it is not overwritten. Try another name for the run.")
    path.unlink()


def _is_checkpoint(path: Path) -> bool:
    try:
        with safe_open(path, framework="numpy") as file:
            return "about" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False
