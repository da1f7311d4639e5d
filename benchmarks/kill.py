"""What is lost when commands are killed: nothing. `python benchmarks/kill.py [--kills 20] [--only dsc,unmix]`

Each command is killed so often, by SIGKILL, SIGTERM and SIGINT in turn, at a random moment of its time, while an older run lies
at its output. Then the place is looked at, and the same command is given again (with --resume, where it has that). Counted:

    lost       the output is neither the older one nor the new one, whole
    bits       after the second command, the output differs from that of an undisturbed one
    traces     tracebacks, or more than one line of message, or another exit code than 130 or 143
    stray      anything that is left beside the output after the second command
    seconds    from SIGINT or SIGTERM to the end of the process

Then a write is killed before each call of the system that it makes (rename, exchange, unlink, fsync …), by a hook that is set
here, with and without the exchange of the system. Results: benchmarks/results/kill.json and kill.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from multiprocessing import Pipe, get_context
from pathlib import Path
from typing import Any

from common import RESULTS, head, table, write_json, write_page
from spaxel import cli as command_line
from spaxel.cli import VERBS
from spaxel.methods.registry import METHODS, method_class

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SIZE, CHANNELS = "72x72", "48"
DEEP = ("--epochs", "2", "--quiet")
KMEANS = ("--n-clusters", "4", "--method", "kmeans", "--quiet")
COMMANDS: dict[str, tuple[str, ...]] = {  # {cube}, {other}: cubes, {run}: a run that may be read; the output is `out`
    "segment kmeans": ("segment", "{cube}", "-o", "{out}", *KMEANS),
    "segment kmeans, 3 files": ("segment", "{cube}", "{other}", "{third}", "-o", "{out}", *KMEANS),
    "segment dsc": ("segment", "{cube}", "-o", "{out}", "--method", "dsc", "--n-clusters", "4", *DEEP),
    "segment dgc": ("segment", "{cube}", "-o", "{out}", "--method", "dgc", "--epochs-views", "1", "--tiles", "2",
                    "--n-sample", "500", *DEEP),
    "unmix": ("unmix", "{cube}", "-o", "{out}", "--quiet"),
    "predict": ("predict", "{run}", "{other}", "-o", "{out}", "--quiet"),
    "cut": ("cut", "{out}", "3"),
    "export": ("export", "{run}", "-o", "{out}", "--to", "envi,csv,png"),
    "convert": ("convert", "{cube}", "{out}"),
    "report": ("report", "{out}"),
}  # fmt: skip
RESUMED = ("segment", "unmix", "predict", "convert", "export")
VOLATILE = (
    "history.jsonl",
    "run.json",
    "export.json",
    "report.html",
)  # hold times, paths and the command as it was typed


def main() -> None:
    """Kill, count, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--only", default="", help="commands whose names hold one of these; others keep their results")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    about, (rows, writes) = head(), _earlier()
    _loaded()
    with tempfile.TemporaryDirectory(prefix="spaxel-kill-") as folder:
        places = _prepared(Path(folder))
        for name, words in COMMANDS.items():
            if not any(part in name for part in asked.only.split(",")):
                continue
            found = _killed(words, places, asked.kills, random.Random(f"{asked.seed} {name}"))
            rows[name] = {"command": name, "commit": about["spaxel"].rpartition("commit ")[2]} | found
            print(json.dumps(rows[name]), flush=True)
            _publish(about, rows, writes)
        writes = [_writes(Path(folder) / "writes", exchanging=exchanging) for exchanging in (True, False)]
        print(json.dumps(writes))
        _publish(about, rows, writes)


def _earlier() -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """What is in the results: {command: its row}, and what writes came to."""
    file = RESULTS / "kill.json"
    held = json.loads(file.read_text("utf-8")) if file.is_file() else {"commands": [], "writes": []}
    return {row["command"]: row for row in held["commands"]}, held["writes"]


def _publish(about: dict[str, Any], found: dict[str, dict[str, Any]], writes: list[dict[str, Any]]) -> None:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    about = about | {"cpu_minutes": round((used.ru_utime + used.ru_stime) / 60, 1)}
    rows = [found[name] for name in COMMANDS if name in found]
    write_json("kill", about, commands=rows, writes=writes)
    columns = (
        "command",
        "kills",
        "in the middle",
        "lost",
        "bits",
        "traces",
        "stray",
        "median s",
        "longest s",
        "whole s",
        "commit",
    )
    counts = ("command", "kills", "in_the_middle", "lost", "bits", "traces", "stray")
    cells = [
        [
            *(row[name] for name in counts),
            f"{row['median']:.2f}",
            f"{row['longest']:.2f}",
            f"{row['whole']:.1f}",
            row["commit"],
        ]
        for row in rows
    ]
    text = (
        f"Kills of each command at random moments, by SIGKILL, SIGTERM and SIGINT in turn; the cube has {SIZE} pixels "
        f"and {CHANNELS} channels. Lost: the output is neither the older run nor the new one. Bits: the same command, given "
        "again, with another result than undisturbed. Traces: a traceback, more than one line, another exit code. Stray: left "
        "beside the output after that. Seconds: from SIGINT or SIGTERM to the end of the process; whole: of the command "
        "undisturbed. "
        "The machine was shared with other work."
    )
    also = (
        "A write killed before each call of the system: "
        + "; ".join(
            f"{'with' if row['exchanging'] else 'without'} an exchange of the system {row['points']} points, {row['lost']} "
            f"lost, {row['put_back']} put back by the next look, {row['stray']} stray"
            for row in writes
        )
        + "."
    )
    write_page("kill", "Kills: what is lost when commands are killed", about, [text, table(columns, cells), also])


def _prepared(folder: Path) -> dict[str, Path]:
    """Three cubes and a run."""
    places = {name: folder / f"{name}.zarr" for name in ("cube", "other", "third")} | {"run": folder / "model"}
    for seed, name in enumerate(("cube", "other", "third")):
        words = ["simulate", "maxrf", places[name], "--size", SIZE, "--option", f"channels={CHANNELS}", "--seed", seed]
        assert _run(words)[0] == 0, words
    assert _run(["segment", places["cube"], "-o", places["run"], *KMEANS])[0] == 0
    return places


def _killed(words: tuple[str, ...], places: dict[str, Path], kills: int, dice: random.Random) -> dict[str, Any]:
    """Kill a command so often; what came of it."""
    folder = places["run"].parent / "work"
    folder.mkdir(exist_ok=True)
    before, whole = folder.parent / "before", folder.parent / "whole"
    verb, out = words[0], folder / ("out.zarr" if words[0] == "convert" else "out")
    command = [word.format(**places, out=out) for word in words]
    overwrite = [] if verb in ("cut", "report") else ["--overwrite"]
    _older(verb, places, out)
    _copy(out, before)
    code, said, seconds = _run([*command, *overwrite])
    assert code == 0, said
    _copy(out, whole)
    count = dict.fromkeys(("kills", "in_the_middle", "lost", "bits", "traces", "stray"), 0)
    ends: list[float] = []
    for number in range(kills):
        _empty(folder)
        _copy(before, out)
        told = SIGNALS[number % len(SIGNALS)]
        code, said, end = _run([*command, *overwrite], told, dice.uniform(0.05, 1.0) * seconds)
        count["kills"] += 1
        count["in_the_middle"] += code != 0
        if code != 0 and told != signal.SIGKILL:
            ends.append(end)
            if code != 128 + told or "Traceback" in said or len(said.strip().splitlines()) != 1:
                count["traces"] += 1
                print(f"{verb}, {told.name}: {code}: {said}", flush=True)
        count["lost"] += not _same(out, before) and not _same(out, whole)
        again = [*overwrite, *(["--resume"] if verb in RESUMED else [])]
        code, said, _ = _run([*command, *again])
        count["bits"] += code != 0 or not _same(out, whole)
        count["stray"] += [path.name for path in folder.iterdir()] != [out.name]
    _empty(folder)
    ends.sort()
    return count | {
        "median": ends[len(ends) // 2] if ends else 0.0,
        "longest": max(ends, default=0.0),
        "whole": seconds,
    }


def _older(verb: str, places: dict[str, Path], out: Path) -> None:
    """Something older, of the same kind, at the place of the output."""
    if verb in ("segment", "unmix", "predict", "cut", "report"):
        _copy(places["run"], out)
        return
    words = (
        ["export", places["run"], "-o", out, "--to", "csv"] if verb == "export" else ["convert", places["other"], out]
    )
    assert _run(words)[0] == 0, words


def _loaded() -> None:
    """Import what the commands use: the processes are forked from here, so that a kill meets their work, not their imports."""
    for verb, (module, _) in VERBS.items():
        getattr(import_module(f"spaxel.commands.{module}"), verb.replace("-", "_"))
    for name in (
        "torch",
        "lightning_fabric",
        "spaxel.exporting.envi",
        "spaxel.exporting.pictures",
        "spaxel.workflow.runs",
    ):
        import_module(name)
    for method in METHODS:
        method_class(method)


def _run(words: list[Any], told: int = 0, after: float = 0.0) -> tuple[int, str, float]:
    """Exit code, stderr, and seconds; of a command that is told to end after a while, the seconds from then on."""
    begun = time.monotonic()
    begins, begun_there = Pipe(duplex=False)
    with tempfile.TemporaryFile("w+") as said:
        about = [str(word) for word in words], said.fileno(), begun_there
        process = get_context("fork").Process(target=_command, args=about)
        process.start()
        begins.recv_bytes()  # it is in the command
        if told:
            process.join(after)
            begun = time.monotonic()
            if process.is_alive():
                os.kill(process.pid or 0, told)
        process.join()
        seconds = time.monotonic() - begun
        said.seek(0)
        lines = [line for line in said.read().splitlines() if line and "to resume from" not in line]
        return process.exitcode or 0, "\n".join(lines), seconds


def _command(words: list[str], said: int, begun: Any) -> None:
    """What a process does: the command line, which tells when it is there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(said, 2)
    sys.argv = ["spaxel", *words]
    run = command_line.run
    command_line.run = lambda arguments: begun.send_bytes(b"1") or run(arguments)
    command_line.main()


def _same(one: Path, other: Path) -> bool:
    return _held(one) == _held(other)


def _held(folder: Path) -> dict[str, str]:
    """Files of a folder by name: hashes, but for those that hold times, which must be there."""
    if not folder.is_dir():
        return {}
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: "" if path.name in VOLATILE else hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
    }


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _writes(folder: Path, *, exchanging: bool) -> dict[str, Any]:
    """A write that dies before the first, the second, the third … call of the system, until it ends."""
    from spaxel.store.here import check_local

    folder.mkdir(exist_ok=True)
    path, count = folder / "run", {"exchanging": exchanging, "points": 0, "lost": 0, "put_back": 0, "stray": 0}
    for number in _counted():
        _empty(folder)
        _write(path, "old")
        if not _dies(lambda: _write(path, "new"), number, exchanging=exchanging):
            return count
        count["points"] += 1
        gone = not path.exists()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says what is put back
            check_local(path)
        count["put_back"] += gone and path.exists()
        texts = {file.read_text() for file in path.glob("*")} if path.exists() else set()
        count["lost"] += texts not in ({"old"}, {"new"})
        _write(path, "next")
        count["stray"] += [entry.name for entry in folder.iterdir()] != ["run"]
    return count


def _counted() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def _write(path: Path, text: str) -> None:
    from spaxel.store.writing import replacing

    with replacing(path, overwrite=True, owned=Path.is_dir) as new:
        new.mkdir()
        for name in "abc":
            (new / name).write_text(text)


def _dies(function: Callable[[], None], number: int, *, exchanging: bool) -> bool:
    """Whether a child that is to die before this call of the system did."""
    if (child := os.fork()) == 0:
        left = [number]

        def dying(call: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*arguments: Any, **options: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **options)

            return counted

        from spaxel.store import exchange

        for name in ("rename", "replace", "fsync", "unlink", "rmdir", "mkdir", "open", "truncate", "write"):
            setattr(os, name, dying(getattr(os, name)))
        exchange._renamed = dying(exchange._renamed)
        if not exchanging:
            exchange._system = lambda: None
        function()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


if __name__ == "__main__":
    main()
