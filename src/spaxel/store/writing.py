"""Writing at a path, or at an address: the old thing or the new one is there, never half of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spaxel.store.addresses import address_of
from spaxel.store.staging import replacing_here
from spaxel.store.uploads import replacing_there


@contextmanager
def replacing(
    path: str | Path, *, overwrite: bool = False, owned: Callable[[Path], bool], resume: bool = False
) -> Iterator[Path]:
    """A hidden path, to be written by the body, that takes the place of `path` when the body ends well.

    On this computer it lies beside `path`, see spaxel.store.staging.replacing_here, which says what is raised; for an address
    it is made here first, and then sent, see spaxel.store.uploads.replacing_there. ParameterError for one that is only read
    """
    put = replacing_here if address_of(path, write=True) is None else replacing_there
    with put(path, overwrite=overwrite, owned=owned, resume=resume) as beside:
        yield beside
