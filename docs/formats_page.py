"""The table of formats in formats.md, made from the readers. `python docs/formats_page.py` (make formats) writes it."""

from pathlib import Path
from typing import Any

from spaxel.readers import readers

PAGE = Path(__file__).with_name("formats.md")
START, END = "<!-- formats: made by docs/formats_page.py -->\n", "\n<!-- end of formats -->"
HEAD = "| format | files | read in parts | axis from | no data from | reader | needs |\n|---|---|---|---|---|---|---|\n"


def table() -> str:
    """One row for each format of each reader, in the order in which readers are asked."""
    rows = [
        f"| {row.name} | {row.suffixes} | {row.lazy} | {row.axis} | {row.no_data} | `{reader.name}` | {needs(reader, row)} |"
        for reader in readers().values()
        for row in reader.formats
    ]
    return HEAD + "\n".join(rows)


def needs(reader: Any, row: Any) -> str:
    """The extra that a format needs. zspy is read by spaxel itself, and plain TIFF by what the core brings."""
    if reader.extra is None or row.suffixes == ".zspy":
        return ""
    return f"`{reader.extra}`" if row.name != "TIFF, ImageJ stack, OME-TIFF" else ""


def with_table(text: str) -> str:
    """The page with the table as the readers say it."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
