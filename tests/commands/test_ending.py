"""A command that is told to end does so within two seconds, whatever holds its main thread, and leaves nothing."""

import os
import signal
import subprocess
import sys
import time

import pytest

from spaxel.commands import ending
from spaxel.store.writing import replacing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PROGRAM = """
import os, signal, sys, time, threading
from pathlib import Path
from spaxel import cli
from spaxel.store.writing import replacing
signal.signal(signal.SIGINT, signal.default_int_handler)  # which the shell's background jobs ignore
def run(arguments):
    with replacing("run", owned=Path.is_dir) as new:
        new.mkdir()
        {work}
cli.run = run
cli.main()
"""
SLEEP = "print('here', flush=True); time.sleep(60)"
WORK = {
    "willing": SLEEP,
    "deaf": f"""
        while True:
            try: {SLEEP}
            except BaseException: pass""",
    "of another mind": f"""
        try: {SLEEP}
        except BaseException: raise RuntimeError('codec')""",
    "with threads": f"threading.Thread(target=time.sleep, args=(60,)).start(); {SLEEP}",
    "with children": f"""
        child = os.fork()
        if not child:
            time.sleep(60)
        time.sleep(0.3)
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        time.sleep(1.5)
        {SLEEP}""",
}


def ended(folder, work, number, again=0):
    """Start a command, tell it to end, and again up to so many times: its code, what it says, seconds until it has ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(work=WORK[work])], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "here\n"
        begun = time.monotonic()
        os.killpg(process.pid, number)
        if again:
            process.stdout.readline()  # the first has been heard
        for _ in range(again):
            time.sleep(2 * ending.AT_ONCE)  # on a busy machine two may be taken for one all the same
            if process.poll() is None:
                os.killpg(process.pid, number)
        code = process.wait(30)
        seconds = time.monotonic() - begun
        process.stderr.flush()
        return code, process.stderr.read(), seconds
    finally:
        with process:
            os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None


@pytest.mark.parametrize(
    ("work", "number"),
    [("willing", signal.SIGTERM), ("deaf", signal.SIGINT), ("deaf", signal.SIGTERM), ("of another mind", signal.SIGINT),
     ("with threads", signal.SIGINT)],
)  # fmt: skip
def test_ends_in_time_and_leaves_nothing(tmp_path, work, number):
    code, said, seconds = ended(tmp_path, work, number)
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert (code, said) == (128 + number, f"\nspaxel: {word}; nothing is left half-written.\n")
    assert seconds < 2
    assert list(tmp_path.iterdir()) == []


def test_children_that_are_forked_mind_their_own(tmp_path):
    """A signal to one of them (as from a pool of processes) ends that one alone."""
    code, _, seconds = ended(tmp_path, "with children", signal.SIGINT)
    assert (code, list(tmp_path.iterdir())) == (130, [])
    assert seconds < 2


def test_a_second_one_ends_at_once(tmp_path):
    """What is left is removed by the next command."""
    code, said, seconds = ended(tmp_path, "deaf", signal.SIGINT, again=4)
    assert (code, said) == (130, "")
    assert seconds < ending.PATIENCE
    assert len(list(tmp_path.iterdir())) == 1
    with replacing(tmp_path / "run", owned=yes) as new:
        new.mkdir()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def yes(path):
    return True


def test_handlers_are_as_before(tmp_path):
    """In a session of Python, or for who ignores Ctrl-C (nohup), nothing changes."""
    own = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may ignore it
    before = signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1)
    with ending.ending():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1)) == before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ending.ending():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, own)
