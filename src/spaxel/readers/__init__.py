"""Files to cubes. `open_cube` looks at the content of a file, finds its reader, and returns a cube (see cube.py)."""

from __future__ import annotations

from spaxel.readers.parts.reader import Reader
from spaxel.readers.registry import open_cube, readers

__all__ = ["Reader", "open_cube", "readers"]
