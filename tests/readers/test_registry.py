import re
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import GuessWarning, NotFound, ParameterError, ReadError
from spaxel.readers import Reader, readers, registry
from spaxel.testing import check_reader, tiny_cube


@pytest.fixture
def plugins(tmp_path):
    """A function that installs a plugin (a module and its dist-info) for this test only."""
    folder = tmp_path / "site"
    folder.mkdir()
    sys.path.insert(0, str(folder))
    readers.cache_clear()

    def install(name, source):
        (folder / f"{name}.py").write_text(dedent(source))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[spaxel.readers]\n{name} = {name}:reader\n")

    yield install
    sys.path.remove(str(folder))
    for name in [n for n in sys.modules if n.startswith("plugin_")]:
        del sys.modules[name]
    readers.cache_clear()


GOOD = """
    import numpy as np
    from spaxel.cube import make_cube
    from spaxel.readers import Reader

    def open_toy(path, *, gain=1.0):
        '''The cube of a toy file; gain multiplies it.'''
        values = np.frombuffer(path.read_bytes()[4:], "u1").reshape(3, 5, 2)
        return make_cube(values * gain, [1, 2], "keV", source=str(path))

    reader = Reader("plugin_toy", "a toy", (".toy",), lambda path, head: head[:4] == b"TOY1", open_toy)
"""


def test_a_plugin_opens_its_files(plugins, tmp_path):
    plugins("plugin_toy", GOOD)
    path = tmp_path / "a.toy"
    path.write_bytes(b"TOY1" + bytes(range(30)))
    cube = open_cube(path, gain=2)
    assert cube.attrs["reader"] == "plugin_toy"
    np.testing.assert_array_equal(cube["spectra"].values.ravel(), 2 * np.arange(30))
    check_reader(readers()["plugin_toy"], path)
    with pytest.raises(ParameterError, match=r"no option gian\. It has: gain"):
        open_cube(path, gian=2)


@pytest.mark.parametrize(
    "source", ["raise RuntimeError('half installed')", "import no_such_library", "x = 1", "reader = 3"]
)
def test_a_broken_plugin_is_a_warning_and_harms_nobody(plugins, tmp_path, source):
    plugins("plugin_broken", source)
    np.save(tmp_path / "a.npy", tiny_cube()["spectra"].values)
    with pytest.warns(UserWarning, match="reader plugin 'plugin_broken'"):
        assert "plugin_broken" not in readers()
    assert open_cube(tmp_path / "a.npy", channel_axis=2, channel="index").sizes["y"] == 13


def test_ours_come_first(plugins, tmp_path):
    plugins("plugin_greedy", GOOD.replace('head[:4] == b"TOY1"', "True"))
    np.save(tmp_path / "a.npy", tiny_cube()["spectra"].values)
    assert open_cube(tmp_path / "a.npy", channel_axis=2, channel="index").attrs["reader"] == "array"


def test_a_plugin_cannot_replace_ours(plugins):
    plugins("plugin_toy", GOOD)
    site = sys.path[0]
    with open(f"{site}/plugin_toy-1.0.dist-info/entry_points.txt", "w") as file:
        file.write("[spaxel.readers]\narray = plugin_toy:reader\n")
    with pytest.warns(UserWarning, match="'array'.* name is taken"):
        assert readers()["array"].description == "a NumPy file"


@pytest.mark.parametrize(
    "error", [ValueError("odd"), KeyError("k"), EOFError(), RuntimeError("r"), ZeroDivisionError()]
)
def test_errors_of_libraries_become_ours(monkeypatch, tmp_path, error):
    def fail(path):
        raise error

    broken = Reader("toy", "a toy file", (".toy",), lambda path, head: True, fail)
    monkeypatch.setattr(registry, "readers", lambda: {"toy": broken})
    (tmp_path / "a.toy").write_bytes(b"x")
    with pytest.raises(ReadError, match=r"a\.toy looks like a toy file but cannot be read: .*Is it complete\?"):
        open_cube(tmp_path / "a.toy")


def test_what_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(NotFound, match="There is no file"):
        open_cube(tmp_path / "nothing.npy")
    (tmp_path / "empty.npy").touch()
    with pytest.raises(ReadError, match=r"empty \(0 bytes\)"):
        open_cube(tmp_path / "empty.npy")
    with pytest.raises(ReadError, match="is a folder, and not a Zarr store"):
        open_cube(tmp_path)
    (tmp_path / "junk.npy").write_bytes(bytes(range(255, 0, -1)) * 20)
    with pytest.raises(ReadError, match="content that no reader knows"):
        open_cube(tmp_path / "junk.npy")
    with pytest.raises(ParameterError, match=r"no reader 'spss'\. Known: instrument, native"):
        open_cube(tmp_path / "junk.npy", reader="spss")


def test_valid_is_false_where_nothing_is(tmp_path):
    values = tiny_cube(counts=False)["spectra"].values
    values[0, 0], values[1, 1], values[2, 2, 0] = 0, np.nan, np.nan
    np.save(tmp_path / "a.npy", values)
    cube = open_cube(tmp_path / "a.npy", channel_axis=2, channel="index")
    assert np.argwhere(~cube["valid"].values).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"sniff": lambda path, head: True}, "sniff is False for an empty folder"),
        ({"sniff": lambda path, head: path.suffix == ".toy"}, "sniff is False for an empty file"),
        ({"sniff": lambda path, head: False}, "sniff knows"),
        ({"open": lambda path, gain=1: tiny_cube()}, "gain is keyword-only"),
        ({"open": lambda path, *, gain=1: tiny_cube()}, "docstring of open names gain"),
        ({"open": lambda path: path.write_bytes(b"TOY1 ") and tiny_cube()}, "leaves the file as it was"),
    ],
)
def test_check_reader_catches_broken_promises(tmp_path, change, promise):
    good = {"sniff": lambda path, head: head[:4] == b"TOY1", "open": lambda path: tiny_cube()}
    (tmp_path / "a.toy").write_bytes(b"TOY1")
    check_reader(Reader("toy", "a toy", (".toy",), **good), tmp_path / "a.toy")
    with pytest.raises(AssertionError, match=promise):
        check_reader(Reader("toy", "a toy", (".toy",), **(good | change)), tmp_path / "a.toy")


def test_guesses_are_warned_once_each(tmp_path):
    np.save(tmp_path / "a.npy", tiny_cube()["spectra"].values)
    with pytest.warns(GuessWarning) as caught:
        cube = open_cube(tmp_path / "a.npy")
    assert [str(w.message) for w in caught] == cube.attrs["guesses"]


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_the_howto_runs(tmp_path, monkeypatch):
    page = Path(__file__).parents[2] / "docs" / "howto" / "add_a_reader.md"
    code, told, lazy, test = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    scope = {}
    exec(code + told + test, scope)
    scope["test_toy"](tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(lazy, scope)
    scope["path"].write_bytes(bytes(512) + np.arange(4 * 3 * 5, dtype="<u2").tobytes())
    np.testing.assert_array_equal(scope["spectra"][2, 4], [14, 29, 44, 59])
