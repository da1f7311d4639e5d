"""Run the tutorials again and keep what they show:  python docs/run_tutorials.py [painting galaxy leaves raman_and_tables]

Needs nbclient, ipykernel and the extras plot, fits and leaf. Each runs in an empty folder, as a reader would run it.
Look at the pictures before you commit them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TUTORIALS = Path(__file__).parent / "tutorials"
NAMES = ("painting", "galaxy", "leaves", "raman_and_tables")
LONGEST = 240  # seconds of a cell
MOST_BYTES = 400_000  # of a notebook with its pictures


def executed(name: str, folder: str | Path) -> Any:
    """A tutorial after it ran in a folder, as nbformat holds it. Raises CellExecutionError where a cell fails."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", 4)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=LONGEST, kernel_name="python3", resources=where, record_timing=False).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:  # warnings name places on this computer; the text speaks of them
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main() -> None:
    """Run those that are named, or all, and write them with their pictures."""
    import nbformat

    for name in sys.argv[1:] or NAMES:
        with TemporaryDirectory() as folder:
            notebook = executed(name, folder)
            made = sorted(path.name for path in Path(folder).iterdir())
        text = nbformat.writes(notebook, 4) + "\n"
        if len(text.encode()) > MOST_BYTES:
            sys.exit(f"{name}.ipynb has {len(text):,} bytes, at most {MOST_BYTES:,} are allowed. Try smaller pictures.")
        (TUTORIALS / f"{name}.ipynb").write_text(text, "utf-8")
        sys.stdout.write(f"{name}: {len(text) / 1000:.0f} kB; files made: {', '.join(made)}\n")


if __name__ == "__main__":
    main()
