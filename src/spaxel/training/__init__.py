"""What knows torch, and nothing else: networks, objectives and the only training loop. Needs the extra `deep`."""

from __future__ import annotations

from importlib.util import find_spec

from spaxel.errors import ParameterError, missing_extra

DEVICES = ("cpu", "cuda", "auto")


def check_device(device: str) -> None:
    """Raise ParameterError for a device that there is not. Needs PyTorch."""
    import torch

    if device not in DEVICES:
        raise ParameterError(f"device is {device!r}, expected one of {', '.join(DEVICES)}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ParameterError("device is 'cuda', but PyTorch sees no such device here. Try cpu or auto.")


def check_extra(what: str) -> None:
    """Raise MissingExtra, which names the command that installs it, unless torch and Lightning Fabric are there.

    what : who needs them, as the sentence begins
    """
    for module, library in (("torch", "PyTorch"), ("lightning_fabric", "Lightning Fabric")):
        if find_spec(module) is None:
            raise missing_extra(what, library, "deep")
