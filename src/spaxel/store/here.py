"""Which path on this computer a path is: itself after a look at it, or what stands here for an address."""

from __future__ import annotations

from pathlib import Path

from spaxel.errors import ParameterError
from spaxel.store.addresses import ONLY_READ, address_of, protocols
from spaxel.store.copies import here
from spaxel.store.looks import look


def check_local(path: str | Path, *, write: bool = False) -> Path:
    """The path on this computer: for an address that is read, of what stands in for it here (spaxel.store.copies).

    write : whether something would be written there; then an address stays one, for `spaxel.store.writing.replacing`
    Raises what spaxel.store.looks.look raises for a path that cannot be either; for an address ParameterError if its
    protocol is unknown or cannot be written, MissingExtra, NotFound, ReadError.
    """
    address = address_of(path, write=write)
    if address is None:
        return look(Path(path), write=write)
    protocol = protocols(address)[0]
    if protocol in ("file", "local"):
        raise ParameterError(f"{address} is on this computer. Try the path alone, without {protocol}://.")
    if write:
        if protocol in ONLY_READ:
            raise ParameterError(f"{address} cannot be written: {protocol} is only read. Try a folder here, or s3://.")
        return Path(address)
    return here(address)
