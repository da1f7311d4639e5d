"""Whatever a library raises, when a file is opened or later when a piece is read, is a ReadError that names the file."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest

from spaxel.errors import GuessWarning, ParameterError, ReadError, in_words
from spaxel.readers import open_cube, readers
from spaxel.readers.parts.lazy import lazy_array

STRANGE = [StopIteration(), SyntaxError("no element found"), type("CfitsioException", (Exception,), {})("bad code"),
           RecursionError("too deep"), KeyError("axes"), AssertionError(), ValueError("x" * 9999)]  # fmt: skip


@pytest.mark.parametrize("error", STRANGE, ids=lambda error: type(error).__name__)
def test_at_opening_and_at_sniffing(tmp_path, monkeypatch, error):
    np.save(tmp_path / "a.npy", np.ones((3, 4, 5)))

    def raising(*_, **__):
        raise error

    held = readers()["array"]
    for name in ("open", "sniff"):
        monkeypatch.setitem(readers(), "array", replace(held, **{name: raising}))
        with pytest.raises(ReadError, match=r"a\.npy") as told:
            open_cube(tmp_path / "a.npy")
        assert told.value.__cause__ is error
        assert len(str(told.value)) < 600


@pytest.mark.parametrize("error", STRANGE, ids=lambda error: type(error).__name__)
def test_at_a_piece(tmp_path, error):
    (tmp_path / "a.dat").write_bytes(b"")

    class Source:
        shape, dtype, ndim = (3, 4, 5), np.dtype("f4"), 3

        def __getitem__(self, key):
            raise error

    lazy = lazy_array(Source(), path=tmp_path / "a.dat")
    assert isinstance(lazy, da.Array)
    with pytest.raises(ReadError, match=r"a\.dat is damaged inside"):
        lazy.sum().compute()


def test_our_own_errors_warnings_and_ctrl_c_pass():
    for error in (ParameterError("no"), GuessWarning("perhaps"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as told, in_words("a"):
            raise error
        assert told.value is error


def test_the_cause_is_shown_where_it_is_asked_for(tmp_path, cli, monkeypatch):
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 data.npy" + bytes(80))
    code, _, err = cli("info", tmp_path / "a.npz")
    assert (code, "Traceback" in err, err.count("\n")) == (2, False, 1)
    monkeypatch.setenv("SPAXEL_DEBUG", "1")
    code, _, err = cli("info", tmp_path / "a.npz")
    assert code == 2
    assert "Traceback" in err
    assert "BadZipFile" in err
