"""A process that is killed at any call of the system leaves the old thing or the new one; the next command clears the rest."""

import os
import shutil
import warnings

import pytest

from spaxel.errors import Exists
from spaxel.store import exchange, owner
from spaxel.store.here import check_local
from spaxel.store.writing import replacing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="fork")
CALLS = ("rename", "replace", "fsync", "unlink", "rmdir", "mkdir", "open")


def yes(path):
    return True


def write(path, text):
    with replacing(path, overwrite=True, owned=yes) as new:
        new.mkdir()
        for name in "ab":
            (new / name).write_text(text)


def held(path):
    """What both files in a folder say, which must be the same."""
    (text,) = {file.read_text() for file in (path / "a", path / "b")}
    return text


def child(function):
    """Run a function in a child process that ends as if it were killed: its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads of the tests
        pid = os.fork()
    if not pid:
        try:
            function()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(number, path, system):
    """Write a folder in a child that dies right before the call of this number; False if it needs fewer calls."""

    def dying(call):
        def counted(*arguments, **options):
            nonlocal number
            number -= 1
            if number < 0:
                os._exit(9)
            return call(*arguments, **options)

        return counted

    def work():
        for name in CALLS:
            setattr(os, name, dying(getattr(os, name)))
        exchange._system = system
        exchange._renamed = dying(exchange._renamed)
        write(path, "new")

    return child(work) == 9


@pytest.mark.parametrize("exchanging", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_killed_at_every_call(tmp_path, exchanging, before):
    """Old or new, whole, after the next look at the path; nothing hidden, after the next command that writes there."""
    path, seen, number = tmp_path / "run", set(), 0
    system = exchange._system if exchanging else lambda: None
    while True:
        if before:
            write(path, "old")
        if not killed_at(number, path, system):
            break
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            was_gone = not path.exists()
            check_local(path)
        assert len(said) == (before and was_gone)
        assert not (before and exchanging and was_gone)
        seen.add(held(path) if path.exists() else None)
        write(path, "next")
        assert [child.name for child in tmp_path.iterdir()] == ["run"], number
        shutil.rmtree(path)
        number += 1
    assert number > 12
    assert seen == {"old" if before else None, "new"}


def test_folder_of_a_live_process_is_kept(tmp_path):
    """Neither another call in this process, nor another process, touches it; the one that ends last wins."""
    path = tmp_path / "run"
    with replacing(path, overwrite=True, owned=yes) as new:
        new.mkdir()
        write(path, "other")
        assert child(lambda: write(path, "third")) == 0
        assert held(path) == "third"
        (new / "a").write_text("mine")
        (new / "b").write_text("mine")
        assert new.parent.is_dir()
    assert held(path) == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_folders_of_strangers_are_kept(tmp_path, monkeypatch):
    """Of other machines, of other paths, and what only looks alike; dead ones of this path go."""
    monkeypatch.setattr(owner.platform, "node", lambda: "another")
    child(lambda: owner.claim(tmp_path / "run"))
    monkeypatch.undo()
    child(lambda: owner.claim(tmp_path / "run2"))
    (tmp_path / ".run.partial-0000").mkdir()
    kept = {entry.name for entry in tmp_path.iterdir()}
    child(lambda: owner.claim(tmp_path / "run"))
    assert len(list(tmp_path.iterdir())) == len(kept) + 1
    write(tmp_path / "run", "new")
    assert {entry.name for entry in tmp_path.iterdir()} == kept | {"run"}


def test_folders_stay_where_the_disk_knows_no_locks(tmp_path, monkeypatch):
    path = tmp_path / "run"
    child(lambda: owner.claim(path))

    def no_locks(descriptor):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(owner, "_lock", no_locks)
    write(path, "new")
    assert held(path) == "new"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_is_taken_away_while_it_is_made(tmp_path, monkeypatch):
    """Between making it and locking it another command may take it for a dead one: another is made."""
    path, holds = tmp_path / "run", []

    def hold(folder):
        holds.append(folder)
        if len(holds) == 1:
            shutil.rmtree(folder)
        return real(folder)

    real = owner.hold
    monkeypatch.setattr(owner, "hold", hold)
    write(path, "new")
    assert len(holds) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_appears_at_the_last_moment_is_kept(tmp_path, monkeypatch, kind):
    """After the last check and before the rename, which does not replace."""
    path = tmp_path / "run"

    def appear(*_):
        if not path.exists():
            path.mkdir() if kind == "folder" else path.write_text("theirs")
            if kind == "folder":
                (path / "theirs").write_text("theirs")

    monkeypatch.setattr("spaxel.store.staging.settle", appear)
    monkeypatch.setattr("spaxel.store.staging._check", lambda *_, **__: None)
    monkeypatch.setattr("spaxel.store.staging.Path.exists", lambda self: False)
    with pytest.raises(Exists, match="meanwhile"), replacing(path, owned=yes) as new:
        new.mkdir() if kind == "folder" else new.write_text("mine")
    monkeypatch.undo()
    assert (path / "theirs" if kind == "folder" else path).read_text() == "theirs"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_files_are_on_the_disk_before_they_are_seen(tmp_path, monkeypatch):
    """Every file and folder is synchronised before the exchange, the folder above after it."""
    path, synced = tmp_path / "run", []
    real = exchange._flush

    def flush(place):
        synced.append((str(place).rpartition("/new")[2] if "/new" in str(place) else str(place), path.exists()))
        real(place)

    monkeypatch.setattr(exchange, "_flush", flush)
    write(path, "new")
    assert set(synced[:-1]) == {("/a", False), ("/b", False), ("", False)}
    assert synced[-1] == (str(tmp_path), True)


def test_locks_of_windows(tmp_path, monkeypatch):
    """There the lock is msvcrt's, which refuses with PermissionError."""

    class Msvcrt:
        LK_NBLCK = 2
        held = False

        def locking(self, descriptor, mode, count):
            if Msvcrt.held:
                raise PermissionError(13, "Permission denied")
            Msvcrt.held = True

    monkeypatch.setattr(owner, "msvcrt", Msvcrt(), raising=False)
    monkeypatch.setattr(owner, "WINDOWS", True)
    folder = tmp_path / ".run.partial-000000-00000000"
    folder.mkdir()
    os.close(owner.hold(folder))
    with pytest.raises(BlockingIOError):
        owner.hold(folder)
