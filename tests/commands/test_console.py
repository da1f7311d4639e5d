"""Progress: only on a terminal, only after a while, gone at the end. Tables and lines: as they are, without markup."""

import io
import json
import re
import time
import warnings

import pytest
from rich.console import Console

from spaxel.commands import console
from spaxel.errors import GuessWarning, ReadError
from spaxel.pace import tell, within
from spaxel.readers.native import write_cube
from spaxel.testing import tiny_cube


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    text = Terminal()
    monkeypatch.setattr(console, "err", Console(file=text, force_terminal=True, width=60))
    monkeypatch.setattr(console, "PATIENCE", 0.1)
    return text


def work(seconds):
    with console.watching():
        tell("open", 0, 0)
        with within("fit"):
            tell("restarts", 0, 100)
            time.sleep(seconds)
            tell("restarts", 50, 100)
            time.sleep(seconds)


def test_nothing_is_shown_before_the_time(screen):
    work(0)
    assert screen.getvalue() == ""


def test_a_bar_appears_during_a_long_stage_and_goes_away(screen):
    work(0.4)
    shown = screen.getvalue()
    assert "fit" in shown
    assert "restarts" in shown
    assert "50 %, 0 s left" in shown
    assert shown.endswith(("\x1b[2K", "\x1b[?25h"))


def test_an_error_takes_the_bar_away(screen):
    def fail():
        with console.watching():
            tell("fit", 0, 0)
            time.sleep(0.3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert "\x1b[?25h" in screen.getvalue()  # the cursor is back


def test_patience_is_two_seconds():
    assert console.PATIENCE == 2


def test_a_line_a_minute_where_nobody_watches(monkeypatch, capsys):
    monkeypatch.setattr(console, "PATIENCE", 0.01)
    work(0.1)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(console, "MINUTE", 0.15)
    work(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "spaxel: after 0 s: fit: restarts, 0 %"
    assert lines[1] == "spaxel: after 0 s: fit: restarts, 50 %, 0 s left"


def test_quiet_shows_nothing(screen, cli, scan, tmp_path, monkeypatch):
    monkeypatch.setattr(console, "PATIENCE", 0.0)
    assert cli("segment", "--method=kmeans", scan, "-o", tmp_path / "run", "--n-clusters", 3, "--quiet")[0] == 0
    assert screen.getvalue() == ""


def test_a_segment_that_takes_long(cli, scan, tmp_path, screen, monkeypatch):
    monkeypatch.setattr(console, "PATIENCE", 0.0)
    code, out, _ = cli("segment", "--method=kmeans", scan, "-o", tmp_path / "run", "--n-clusters", 3)
    assert code == 0
    assert "\x1b" not in out
    assert "━" in screen.getvalue()  # a bar; which stages it shows hangs on how fast they are


def test_tables_are_plain_text(capsys):
    console.print_table([("[red]a[/red]", 1), (":smile:", 100)], ("name", "count"), right=(1,))
    assert capsys.readouterr().out == "name          count\n[red]a[/red]      1\n:smile:         100\n"
    console.print_table([("a" * 100, "b" * 100)], ("", ""))
    assert capsys.readouterr().out == f"{'a' * 100}  {'b' * 100}\n"


def test_tables_on_a_terminal_keep_brackets(monkeypatch):
    text = Terminal()
    monkeypatch.setattr(console, "out", Console(file=text, force_terminal=True, width=40, markup=False, emoji=False))
    console.print_table([("[red]a", ":smile: " + "word " * 20)], ("", ""))
    assert "[red]a" in text.getvalue()
    assert ":smile:" in text.getvalue()
    assert len(text.getvalue().splitlines()) > 2


EVIL = "a\x1b[2J\x07\u202egnp\x9b1m"
SHOWN = "a\\x1b[2J\\x07\\u202egnp\\x9b1m"


def test_a_name_cannot_steer_the_terminal(cli, tmp_path):
    """Names of files, of what is in them, and the command itself: as codes in every line, whichever way it is printed."""
    file = write_cube(tiny_cube(12, 11), tmp_path / f"{EVIL}.zarr")
    said = [
        cli("info", file),
        cli("info", file, "--json"),
        cli("segment", "--method=kmeans", file, "-o", tmp_path / f"{EVIL}-run", "--n-clusters", 3),
        cli("cut", tmp_path / f"{EVIL}-run", 2, "--name", f"0={EVIL}"),
        cli("score", tmp_path / f"{EVIL}-run"),
        cli("info", tmp_path / f"no {EVIL}.npy"),
        cli("segment", file, "-o", tmp_path / "x", "--method", EVIL),
        cli("segment", "--method=kmeans", file, "-o", tmp_path / "x", f"--{EVIL}"),
        cli("predict", tmp_path / f"{EVIL}-run", tmp_path / f"no {EVIL}.npy", "-o", tmp_path / "x"),
    ]
    assert [code for code, _, _ in said] == [0, 0, 0, 0, 0, 2, 2, 2, 2]
    for _, out, err in said:
        assert not set("\x1b\x07\u202e\x9b") & set(out + err)
    assert SHOWN in said[0][1]
    assert json.loads(said[1][1])["file"] == str(file)
    assert f"0 {SHOWN}" in said[3][1]
    assert SHOWN in said[5][2]
    page = (tmp_path / f"{EVIL}-run" / "report.html").read_text("utf-8")
    seen = re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)
    assert not set("\x1b\x07\u202e\x9b") & set(seen)
    assert SHOWN in seen


def test_a_warning_with_a_name_is_one_line(cli, monkeypatch):
    def guess(*_, **__):
        warnings.warn(f"{EVIL}\nnext", GuessWarning, stacklevel=1)
        raise ReadError("that was it")

    monkeypatch.setattr("spaxel.readers.open_cube", guess)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert cli("info", "x")[2] == f"spaxel: {SHOWN}\\nnext\nspaxel: that was it\n"
