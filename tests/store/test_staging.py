"""Whoever looks at a path finds the old thing or the new one."""

import pytest

from spaxel.errors import Exists, NotFound
from spaxel.store.writing import replacing


def yes(path):
    return True


def no(path):
    return False


def write_file(path, text):
    path.write_text(text)


def write_folder(path, text):
    path.mkdir()
    (path / "inside").write_text(text)


def text_of(path):
    return (path / "inside" if path.is_dir() else path).read_text()


both = pytest.mark.parametrize("write", [write_file, write_folder])


@both
def test_new_thing_appears_at_the_end(tmp_path, write):
    path = tmp_path / "a" / "b"
    with replacing(path, owned=no) as beside:
        assert beside.parent.parent == path.parent
        assert beside.parent.name.startswith(".b.partial-")
        write(beside, "new")
        assert not path.exists()
    assert text_of(path) == "new"
    assert list(path.parent.iterdir()) == [path]


@both
@pytest.mark.parametrize("old", [write_file, write_folder])
def test_old_thing_stays_until_the_end(tmp_path, write, old):
    path = tmp_path / "run"
    old(path, "old")
    with replacing(path, overwrite=True, owned=yes) as beside:
        write(beside, "new")
        assert text_of(path) == "old"
    assert text_of(path) == "new"
    assert list(tmp_path.iterdir()) == [path]


@both
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Exists])
def test_interrupted_body_leaves_nothing_new(tmp_path, write, error):
    path = tmp_path / "run"
    write(path, "old")

    def body():
        with replacing(path, overwrite=True, owned=yes) as beside:
            write(beside, "half")
            raise error

    with pytest.raises(error):
        body()
    assert text_of(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


@both
@pytest.mark.parametrize(
    ("overwrite", "owned", "words"), [(False, yes, "overwrite"), (True, no, "not written by spaxel")]
)
def test_what_is_not_ours_is_kept(tmp_path, write, overwrite, owned, words):
    path = tmp_path / "run"
    write(path, "old")
    with pytest.raises(Exists, match=words), replacing(path, overwrite=overwrite, owned=owned):
        pytest.fail("the body must not run")
    assert text_of(path) == "old"


def test_empty_folder_may_be_replaced(tmp_path):
    with replacing(tmp_path / "a", owned=no) as beside:
        beside.mkdir()
    with replacing(tmp_path / "a", overwrite=True, owned=no) as beside:
        write_folder(beside, "new")
    assert text_of(tmp_path / "a") == "new"


def test_one_that_appeared_meanwhile_is_kept(tmp_path):
    path = tmp_path / "run"

    def body():
        with replacing(path, owned=no) as beside:
            beside.write_text("mine")
            path.write_text("theirs")

    with pytest.raises(Exists):
        body()
    assert text_of(path) == "theirs"


def test_parent_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotFound, match="cannot be made"), replacing(tmp_path / "file" / "run", owned=yes):
        pass


def test_link_is_followed(tmp_path):
    write_folder(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replacing(tmp_path / "link", overwrite=True, owned=yes) as beside:
        write_folder(beside, "new")
    assert (tmp_path / "link").is_symlink()
    assert text_of(tmp_path / "real") == "new"
