"""`spaxel train-metric`: worlds of a field are simulated, a net learns distances from their truth, its weights are a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spaxel.errors import Exists, NotFound, ParameterError
from spaxel.methods.learned.fields import field_of
from spaxel.methods.learned.learning import check_ready, learn
from spaxel.methods.learned.weights import SUFFIX, write_weights
from spaxel.store import provenance
from spaxel.store.addresses import address_of
from spaxel.store.full import written_to
from spaxel.store.here import check_local
from spaxel.synth.checks import whole_number
from spaxel.workflow.fitting import cleared, process_number

LEAST = 8  # worlds


def train_metric(
    field: str,
    out: str | Path,
    *,
    worlds: int = 400,
    epochs: int = 24,
    seed: int = 0,
    device: str = "cpu",
    resume: bool = False,
    overwrite: bool = False,
    command: str = "",
) -> dict[str, float]:
    """Learn distances for a field and write their weights for `spaxel.LearnedMetric`. Returns the last line of the history.

    field  : maxrf, ifu      out : the file to write, `.safetensors`      worlds : that are simulated, about a CPU second each
    epochs : of 250 steps      device : cpu, cuda or auto      resume : go on from `OUT.checkpoint`; worlds are made again
    Same seed, worlds and epochs: the same bits on one kind of processor.
    Raises ParameterError, Exists, MissingExtra without PyTorch.
    """
    check_ready(device)
    known, place = field_of(field), _place(out)
    whole_number("worlds", worlds, LEAST, 100_000)
    whole_number("epochs", epochs, 1, 100_000)
    whole_number("seed", seed, 0, 2**32 - 1)
    if place.exists() and not overwrite:
        raise Exists(f"{out} is there already. Try --overwrite, or another name.")
    checkpoint = place.with_name(f"{place.name}.checkpoint")
    if process_number() == 0:
        cleared(checkpoint, resume=resume, overwrite=overwrite)
    about: dict[str, Any] = {"field": field, "worlds": worlds, "epochs": epochs, "seed": seed}
    with written_to(place, place.parent):
        encoder, history = learn(known, worlds, epochs, seed=seed, device=device, checkpoint=checkpoint, about=about)
        if process_number() == 0:
            write_weights(place, encoder, about | provenance.about(command, seed))
            checkpoint.unlink(missing_ok=True)
    return history[-1]


def _place(out: str | Path) -> Path:
    """Where a file of weights can be written. Raises ParameterError, NotFound."""
    if address_of(out, write=True) is not None:
        raise ParameterError(f"--out is {out}, an address; weights are written to a file. Try a local name.")
    place = check_local(out, write=True)
    if place.suffix != SUFFIX:
        raise ParameterError(f"--out is {out}, expected a name that ends with {SUFFIX}.")
    if not place.parent.is_dir():
        raise NotFound(f"There is no folder {place.parent}. Try to make it, or another place.")
    return place
