"""What knows torch, and nothing else: networks, objectives and the only training loop. Needs the extra `deep`."""

from __future__ import annotations

from importlib.util import find_spec

from spaxel.errors import missing_extra


def check_extra(what: str) -> None:
    """Raise MissingExtra, which names the command that installs it, unless torch and Lightning Fabric are there.

    what : who needs them, as the sentence begins
    """
    for module, library in (("torch", "PyTorch"), ("lightning_fabric", "Lightning Fabric")):
        if find_spec(module) is None:
            raise missing_extra(what, library, "deep")
