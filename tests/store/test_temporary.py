import pytest

from spaxel.store import temporary
from spaxel.store.copies import here
from spaxel.store.temporary import temporary_folder
from spaxel.store.uploads import place_of


def test_one_place_for_all_that_is_large(tmp_path, monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/temporary/a.npy", b"x")
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(temporary, "LARGE_FILES", str(tmp_path))
    for found in (temporary_folder(), here("memory://temporary/a.npy"), place_of("memory://temporary/run")):
        assert found.is_relative_to(tmp_path)
    (tmp_path / "named").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "named"))
    assert temporary_folder() == tmp_path / "named"


def test_where_neither_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr(temporary, "LARGE_FILES", str(tmp_path / "none"))
    assert temporary_folder().is_dir()
