"""The glossary decides: words that it rules out are in no page, message, help or docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs/glossary.md"
ALLOWED = {  # ruled out for one thing, and right for another
    "stack", "feature", "invalid", "cluster", "part", "amount", "doubt", "strange", "page", "prototype", "vote", "price",
    "setting",
}  # fmt: skip


def ruled_out() -> set[str]:
    """Words of the last column of the glossary."""
    rows = [line.strip().strip("|").split("|") for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    return {word.strip() for row in rows for word in row[-1].split(",") if word.strip() not in ("", "not")}


def texts() -> Iterator[tuple[str, str]]:
    """Pages, and the texts and docstrings of the source, white space made one."""
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        if path != GLOSSARY:
            yield str(path), " ".join(path.read_text().split())
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path}:{node.lineno}", " ".join(node.value.split())


def test_words_that_the_glossary_rules_out_are_not_used() -> None:
    words = ruled_out()
    assert words > ALLOWED
    wanted = re.compile("|".join(rf"\b{re.escape(word)}s?\b" for word in words - ALLOWED), re.IGNORECASE)
    assert [(where, found[0]) for where, text in texts() if (found := wanted.search(text))] == []
