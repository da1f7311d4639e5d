"""pyproject.toml says what the code needs, where it runs, and from which version on."""

import ast
import importlib.util
import re
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in ("test", "docs")}
DECLARED = [Requirement(line) for line in [*PROJECT["dependencies"], *(x for lines in EXTRAS.values() for x in lines)]]


@pytest.fixture(scope="module")
def lower_bounds():
    """The script .ci/lower_bounds as a module."""
    sys.path.insert(0, str(ROOT / ".ci"))
    loader = SourceFileLoader("lower_bounds", str(ROOT / ".ci" / "lower_bounds"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lower_bounds", loader))
    loader.exec_module(module)
    sys.path.remove(str(ROOT / ".ci"))
    return module


def imported(path):
    """Top names of what a file of Python imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def test_all_that_is_imported_is_declared():
    names = {name for path in (ROOT / "src").rglob("*.py") for name in imported(path)}
    foreign = names - set(sys.stdlib_module_names) - {"spaxel"}
    known = {
        name: [name] for name in ("distributed", "napari")
    } | packages_distributions()  # extras that are not in `test`
    declared = {requirement.name.lower() for requirement in DECLARED}
    assert {name for name in foreign if not declared & {d.lower() for d in known.get(name, [])}} == set()
    assert len(foreign) > 15


def test_the_oldest_versions_are_those_of_pyproject(lower_bounds):
    pinned = dict(line.split("==") for line in lower_bounds.pins((ROOT / "pyproject.toml").read_text("utf-8")))
    for requirement in DECLARED:
        if requirement.name != "spaxel":
            assert str(requirement.specifier) == f">={pinned[requirement.name]}"
    assert Version(pinned["numcodecs"]) >= Version("0.16.6")  # earlier ones run code from a Zarr v2 array


def test_a_dependency_without_a_lower_bound_is_refused(lower_bounds):
    with pytest.raises(SystemExit, match="numpy"):
        lower_bounds.pins('[project]\ndependencies = ["numpy"]\noptional-dependencies = {}')


def test_systems_and_pythons_are_named_and_tried():
    classifiers = "\n".join(PROJECT["classifiers"])
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    for words in (("MacOS", "macos"), ("Microsoft :: Windows", "windows"), ("POSIX :: Linux", "ubuntu")):
        assert f"Operating System :: {words[0]}" in classifiers
        assert f"{words[1]}-latest" in workflow
    pythons = re.findall(r"Python :: (3\.\d+)", classifiers)
    listed = ", ".join(f'"{python}"' for python in pythons)
    assert f"python: [{listed}]" in workflow
    assert f">={pythons[0]}" == PROJECT["requires-python"]


def test_what_make_installs_is_compiled_at_once():
    """Else every command compiles its libraries again where PYTHONDONTWRITEBYTECODE is set: three to four times the time."""
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    after = [lines[place + 1] for place, line in enumerate(lines) if line.startswith("\t$(call install,")]
    assert after == ["\t$(compile)"] * 3
    assert next(line for line in lines if line.startswith("compile =")).split()[3:5] == ["-m", "compileall"]
