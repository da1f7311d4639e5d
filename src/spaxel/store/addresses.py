"""Addresses on the net (s3://, https:// …): neither read nor written, and said so in the same words wherever one is given."""

from __future__ import annotations

import re
from pathlib import Path

from spaxel.errors import ParameterError
from spaxel.store.looks import look

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?::|/)")  # two letters at least: C:/ is a drive
_FETCH = {
    "s3": "aws s3 cp {} .", "gs": "gcloud storage cp {} .", "gcs": "gcloud storage cp {} .", "http": "curl -LO {}",
    "https": "curl -LO {}", "ftp": "curl -O {}", "file": "the path alone, without file://",
}  # fmt: skip


def check_local(path: str | Path, *, write: bool = False) -> Path:
    """The path, if it is one of this computer. Raises ParameterError for an address (s3://, https://, memory:// …).

    write : whether something would be written there; else it would be read, and a path that exists is taken as it is
    Raises what spaxel.store.looks.look raises for a path that cannot be either.
    """
    text = str(path)
    found = _ADDRESS.match(text)
    if found is None or (not write and Path(path).exists()):
        return look(Path(path), write=write)
    address = re.sub(r":/(?!/)", "://", text)  # Path makes one slash of two
    if write:
        raise ParameterError(
            f"{address} cannot be written: spaxel writes on this computer only. Try a folder here, and copy it afterwards."
        )
    advice = _FETCH.get(found[1].lower(), "to copy or download it").format(address)
    raise ParameterError(
        f"{address} cannot be read: spaxel reads files of this computer only. Try to get it here first: {advice}"
    )
