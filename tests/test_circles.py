"""No module of the package needs itself in a circle, also not by imports inside functions, for types alone or by name."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import spaxel

DOOR = "spaxel"  # its names are for others, loaded on first use
ROOT = Path(spaxel.__file__).parent


def module_of(path):
    return ".".join(["spaxel", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


MODULES = {module_of(path): path for path in ROOT.rglob("*.py")}


def imported(source, known, own):
    """The modules among `known` that a source names in any `from … import …`, `import …` or `import_module("…")`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {full if (full := f"{node.module}.{each.name}") in known else node.module for each in node.names}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func) and own != DOOR:
            found |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    return (found & set(known)) - {own}


def check(sources):
    TopologicalSorter({name: imported(source, sources, name) for name, source in sources.items()}).prepare()


def test_there_is_no_circle():
    check({name: path.read_text("utf-8") for name, path in MODULES.items()})


@pytest.mark.parametrize(
    "way", ["from a.two import x", "def f():\n    from a import two", "import a.two", "import_module('a.two')"]
)
def test_a_circle_would_be_found(way):
    with pytest.raises(CycleError):
        check({"a.one": way, "a.two": "from a.one import y"})
