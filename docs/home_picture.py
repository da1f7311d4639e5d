"""The picture of the home page, docs/pictures/home.png:  python docs/home_picture.py

The rule for pictures on these pages: code makes them, anybody can run it again (this script, `benchmarks/pictures.py` for the
pages of methods, `docs/run_tutorials.py` for the tutorials), and whoever does looks at them before a commit.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import spaxel
from spaxel.cli import main as run

PICTURE = Path(__file__).parent / "pictures/home.png"


def main() -> None:
    """Simulate a painting, segment it and draw it, as the page says."""
    with TemporaryDirectory() as folder:
        scan, altar = Path(folder) / "altarpiece.zarr", Path(folder) / "altar"
        run(["simulate", "maxrf", str(scan), "--size", "120x160", "--seed", "3"])
        run(["segment", str(scan), "-o", str(altar), "--crop", "1.5:15", "--rebin", "2"])
        spaxel.figure(altar, PICTURE, width="page", dpi=150, what="overview", overwrite=True)


if __name__ == "__main__":
    main()
