"""Files whose library may take the process down: the same cube as in this process, and words where the other one ends."""

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import ReadError
from spaxel.readers.parts import apart

MODULE = """
import os, sys
import numpy as np
def file_reader(path):
    data = np.arange(24.0).reshape(2, 3, 4)
    if "crash" in path: os.abort()
    if "hang" in path:
        import time; time.sleep(60)
    if "stop" in path: raise StopIteration
    if "grow" in path: data = np.ones(2**34, "u1")
    if "lack" in path: raise ImportError("no such thing", name="thing")
    if "object" in path: data = np.array([{}], dtype=object)
    return [{"data": data, "axes": [{"size": np.int64(4), "scale": np.float32(0.5)}], "metadata": {"a": (1, 2)}}]
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    (tmp_path / "strange.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def ask(name):
        if not (tmp_path / name).exists():
            (tmp_path / name).write_bytes(b"x" * 9)
        try:
            return apart.signals_apart("strange", tmp_path / name)
        finally:
            assert len(list((tmp_path / "temporary").iterdir())) == len(apart._kept)

    return ask


def test_signals_come_as_they_are(asked):
    (signal,) = asked("whole")
    np.testing.assert_array_equal(signal["data"], np.arange(24.0).reshape(2, 3, 4))
    assert signal["axes"] == [{"size": 4, "scale": 0.5}]
    assert signal["metadata"] == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("name", "words"),
    [("crash", "crash is damaged: .* ended with SIGABRT"), ("stop", "stop is damaged: StopIteration"),
     ("grow", "grow is damaged: .*(MemoryError|allocate)"), ("hang", "hang takes its library more than 1 s"),
     ("object", "object is damaged: TypeError")],
)  # fmt: skip
def test_whatever_happens_there_is_words_here(asked, monkeypatch, name, words):
    monkeypatch.setattr(apart, "SECONDS", 1 if name == "hang" else 60)
    with pytest.raises(ReadError, match=words):
        asked(name)


def test_a_library_that_is_missing_there_is_missing(asked):
    with pytest.raises(ImportError) as told:
        asked("lack")
    assert told.value.name == "thing"


def test_large_arrays_stay_on_the_disk(asked, monkeypatch):
    monkeypatch.setattr(apart, "LARGE", 10)
    monkeypatch.setattr(apart, "_kept", {})
    first, again = asked("whole")[0]["data"], asked("whole")[0]["data"]
    assert first.path == again.path
    np.testing.assert_array_equal(first[...], np.arange(24.0).reshape(2, 3, 4))
    for folder, _ in apart._kept.values():
        folder.cleanup()


@pytest.mark.real_data
def test_a_file_of_bruker_is_read_apart(real, monkeypatch):
    pytest.importorskip("rsciio")
    whole = open_cube(real / "eds_bruker/test_TEM.bcf")
    monkeypatch.setattr("spaxel.readers.parts.rosetta.APART", ())
    assert whole.identical(open_cube(real / "eds_bruker/test_TEM.bcf"))
