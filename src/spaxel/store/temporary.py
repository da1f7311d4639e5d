"""Where large files lie for a while: copies of what is at an address or unpacked, runs before they are sent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

LARGE_FILES = "/var/tmp"  # on a disk, where /tmp is often memory


def temporary_folder() -> Path:
    """TMPDIR where it is set and can be written, else /var/tmp, else what Python takes for such a folder."""
    for named in (os.environ.get("TMPDIR"), LARGE_FILES):
        if named and os.path.isdir(named) and os.access(named, os.W_OK | os.X_OK):
            return Path(named)
    return Path(tempfile.gettempdir())


def new_home() -> tempfile.TemporaryDirectory[str]:
    """A new folder in it, which goes when the program ends, or when nobody holds it."""
    return tempfile.TemporaryDirectory(prefix="spaxel-", dir=temporary_folder(), ignore_cleanup_errors=True)
