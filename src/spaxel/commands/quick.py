"""What Dask and xarray look for in vain: `sparse` brings numba, and `pint` its own grammar: 0.7 s and 66 MiB together."""

from __future__ import annotations

import sys

LOOKED_FOR = ("sparse", "pint")  # imported by dask.array and xarray where they are installed; both do without them


def without_looked_for() -> None:
    """Have an import of these fail in this process, which is the command line and nothing else.

    Readers that need them show them again (spaxel.readers.parts.rosetta). What is loaded already stays.
    """
    for name in LOOKED_FOR:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
