"""What could block for ever, or leads nowhere, is refused in words, at once, as input and as output."""

import os
import socket

import pytest

from spaxel.errors import ParameterError, ReadError
from spaxel.readers import open_cube
from spaxel.store.here import check_local

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and sockets of POSIX")


@pytest.mark.parametrize("word", ["pipe", "socket", "device"])
def test_what_is_no_file_is_not_read(tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    path = tmp_path / "it"
    if word == "pipe":
        os.mkfifo(path)
    elif word == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("it")
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ReadError, match=f"is a {word}"):
        open_cube(path)


@pytest.mark.parametrize("command", ["segment {bad} -o out", "segment {scan} -o {bad}", "report {bad}", "info {bad}"])
@pytest.mark.parametrize("kind", ["loop", "long", "zero"])
def test_paths_that_lead_nowhere(cli, scan, tmp_path, monkeypatch, command, kind):
    monkeypatch.chdir(tmp_path)
    os.symlink("loop", "loop")
    bad = {"loop": "loop", "long": "x" * 300, "zero": "a\0b"}[kind]
    code, out, err = cli(*(part.format(bad=bad, scan=scan) for part in command.split()))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert {"loop": "leads to itself", "long": "too long", "zero": "no path"}[kind] in err
    assert os.listdir() == ["loop"]


def test_a_file_in_a_loop_is_refused_too(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ParameterError, match="leads to itself"):
        check_local(tmp_path / "loop" / "run", write=True)
