"""What a command does not import: packages whose own code runs when it is needed, and gives what it always gives."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from spaxel.commands import quick
from spaxel.commands.options import Where

OWN = """
import time
from latepack.inner import known
runs = globals().get("runs", 0) + 1
time.sleep(0.02)
import latepack
absent = getattr(latepack, "later", "not there yet")
__all__ = ["known", "later"]
later = 7
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on the disk that runs late, and its name."""
    folder = tmp_path / "latepack"
    folder.mkdir()
    (folder / "__init__.py").write_text(OWN)
    (folder / "inner.py").write_text("known = 5")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(quick.LATE, "latepack", {"known": "inner", "moved": "elsewhere"})
    monkeypatch.setattr(sys, "meta_path", [quick._Finder(), *sys.meta_path])
    yield importlib.import_module("latepack")
    for name in [name for name in sys.modules if name.startswith("latepack")]:
        del sys.modules[name]


def test_a_name_that_is_known_and_a_module_inside_do_not_run_the_package(package):
    assert package.known == 5
    assert importlib.import_module("latepack.inner").known == 5
    assert package.__path__
    assert "runs" not in vars(package)


def test_any_other_name_runs_it_once_whoever_asks(package):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: package.later, range(8))) == {7}
    assert (package.runs, package.absent, type(package)) == (1, "not there yet", ModuleType)


@pytest.mark.parametrize("name", ["nothing", "moved", "__nothing__"])
def test_what_is_not_there_is_an_attribute_error(package, name):
    with pytest.raises(AttributeError, match=name):
        getattr(package, name)


def test_everything_can_be_asked_for(package):
    held: dict = {}
    exec("from latepack import *", held)
    assert (held["known"], held["later"]) == (5, 7)


@pytest.mark.parametrize("name", quick.LATE)
def test_names_lie_where_the_table_says(name):
    package = importlib.import_module(name)
    for asked, home in quick.LATE[name].items():
        assert getattr(importlib.import_module(f"{name}.{home}"), asked) is getattr(package, asked)


def test_the_command_line_finds_them_late_and_once(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(quick, "LOOKED_FOR", ())
    quick.without_looked_for()
    quick.without_looked_for()
    assert [type(finder) for finder in sys.meta_path].count(quick._Finder) == 1


def test_who_names_a_scheduler_may_import_the_cluster(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)  # as the command line hides it
    seen = []
    monkeypatch.setattr("spaxel.cube.executing.executing", lambda *named: seen.append("distributed" in sys.modules))
    Where().executing()
    Where("slurm", 2).executing()
    assert seen == [True, False]


def test_what_is_loaded_stays_when_it_is_shown():
    quick.shown("sys")
    quick.shown("nothing of that name")
    assert sys.modules["sys"] is sys
