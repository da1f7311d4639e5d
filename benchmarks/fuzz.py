"""Damaged files of every format, through `spaxel info` and a read of the spectra: does each end in a cube or in words of ours?

A process reads the mutants, and is watched: how long it takes, how much memory it holds, whether it lives. A mutant is of its
format and its number alone, so that any finding can be made again: `python benchmarks/fuzz.py --format npz --only 17`.
What is done is kept in a file (--state), and the next call goes on from there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve()
OUTCOMES = ("ok", "refused", "foreign", "crash", "over time", "over memory")
FINDINGS = OUTCOMES[2:]
SECONDS, MIB = 10.0, 512.0  # for one mutant; memory is above what the process holds before
LOOK = 0.005  # seconds between two looks at the process


class Reading:
    """A process that reads mutants, one at a time; started anew when it was lost, or after some hundred."""

    MOST = 400

    def __init__(self, folder: Path) -> None:
        self.folder, self.process, self.read = folder, None, 0

    def ask(self, name: str, number: int, seconds: float = SECONDS, mib: float = MIB) -> dict[str, Any]:
        """What became of a mutant: outcome, what was done to the file, what was said, seconds, MiB."""
        if self.process is None or self.read >= self.MOST:
            self.start()
        self.read += 1
        pipe, begin, watched = self.process, time.monotonic(), psutil.Process(self.process.pid)
        base, peak = watched.memory_info().rss, 0
        pipe.stdin.write(json.dumps([name, number]) + "\n")
        pipe.stdin.flush()
        found: dict[str, Any] = {}
        said = self.folder / "said.json"
        while True:
            time.sleep(LOOK)
            taken = time.monotonic() - begin
            if said.exists():
                found = json.loads(said.read_text())
                said.unlink()
                break
            if pipe.poll() is not None:
                found = {"outcome": "crash", "words": f"the process ended with {pipe.returncode}"}
                break
            try:
                family = [watched, *watched.children(recursive=True)]
                peak = max(peak, sum(one.memory_info().rss for one in family if one.is_running()) - base)
            except psutil.Error:
                continue
            if taken > seconds or peak > mib * 2**20:
                found = {"outcome": "over time" if taken > seconds else "over memory", "words": ""}
                break
        if found["outcome"] in ("crash", "over time", "over memory"):
            self.stop()
        return {"format": name, "number": number, **found, "seconds": round(taken, 2), "mib": round(peak / 2**20)}

    def start(self) -> None:
        """A new process, and wait until it is ready, so that its start counts for no mutant."""
        self.stop()
        for left in self.folder.glob("said*"):
            left.unlink()
        command = [sys.executable, str(HERE), "--read-in", str(self.folder)]
        self.process, self.read = subprocess.Popen(command, stdin=subprocess.PIPE, text=True), 0
        while not (self.folder / "said.json").exists():
            if self.process.poll() is not None:
                raise SystemExit("the process that reads does not start")
            time.sleep(LOOK)
        (self.folder / "said.json").unlink()

    def stop(self) -> None:
        """End the process, and what it started."""
        if self.process is None:
            return
        try:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
        except psutil.Error:
            pass
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process = None


def read_mutants(folder: Path) -> None:
    """The process that reads: mutants come by stdin, what became of each goes to said.json."""
    import warnings

    from fuzz_files import FORMATS
    from spaxel.workflow import expected

    expected._slowness = lambda: (
        1.0
    )  # `info` tries how fast this machine is: a third of what this takes, and nothing of a file
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr = open(folder / "log", "w", errors="backslashreplace")  # noqa: SIM115  until its end
    (folder / "work").mkdir(exist_ok=True)
    outcome_of(folder / "work", "npy", 0)
    outcome_of(folder / "work", next(name for name in FORMATS if name.startswith("FITS")), 0)
    tell(folder, {})
    for line in sys.stdin:
        name, number = json.loads(line)
        tell(folder, outcome_of(folder / "work", name, number))


def tell(folder: Path, found: dict[str, Any]) -> None:
    """Written beside and renamed, so that it is never read half."""
    (folder / "said.part").write_text(json.dumps(found))
    (folder / "said.part").replace(folder / "said.json")


def outcome_of(folder: Path, name: str, number: int) -> dict[str, Any]:
    """Make a mutant in a folder, and read it."""
    import shutil

    from fuzz_files import make
    from fuzz_mutants import damage, seed_of

    kept = folder / f"{name.replace(',', '').replace(' ', '_')}.whole"
    if not kept.exists():
        kept.mkdir(parents=True)
        opened = make(name, kept)
        if opened is None:
            return {"outcome": "not at hand", "words": ""}
        (folder / f"{kept.name}.path").write_text(str(opened.relative_to(kept)))
    shutil.rmtree(folder / "mutant", ignore_errors=True)
    shutil.copytree(kept, folder / "mutant")
    opened = folder / "mutant" / (folder / f"{kept.name}.path").read_text()
    how = damage(folder / "mutant", opened, seed_of(name, number)) if number >= 0 else "whole"
    outcome, words = read(opened)
    return {"outcome": outcome, "how": how, "words": words}


def read(path: Path) -> tuple[str, str]:
    """(outcome, what was said) of `spaxel info` and of a read of the spectra."""
    import traceback

    import spaxel
    from spaxel.cli import main
    from spaxel.errors import SpaxelError

    code: Any = 0
    try:
        try:
            main(["info", str(path)])
        except SystemExit as end:
            code = end.code
        if code not in (0, None, 2):
            return "foreign", f"info ended with {code}"
        cube = spaxel.open_cube(path)
        cube["spectra"].isel(y=slice(64), x=slice(64)).values.sum()
        cube["valid"].isel(y=slice(64), x=slice(64)).values.sum()
    except SpaxelError as error:
        return "refused", str(error)[:300]
    except Exception:  # noqa: BLE001  what is looked for
        return "foreign", traceback.format_exc()[-3000:]
    return "ok", ""


def mutants(names: list[str], count: int, done: set[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """What is left to read: all formats in turn, so that a run that is interrupted has seen all of them."""
    for number in range(-1, count):
        yield from ((name, number) for name in names if (name, number) not in done)


def fuzz(names: list[str], count: int, state: Path | None) -> list[dict[str, Any]]:
    """Read the mutants that the state does not have yet; all that is known of these formats."""
    known = [json.loads(line) for line in state.read_text().splitlines()] if state and state.exists() else []
    done = {(one["format"], one["number"]) for one in known}
    missing: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        reading = Reading(Path(folder))
        try:
            for name, number in mutants(names, count, done):
                if name in missing:
                    continue
                found = reading.ask(name, number)
                if found["outcome"] == "not at hand":
                    missing.add(name)
                    continue
                if number < 0 and found["outcome"] != "ok":
                    raise SystemExit(f"the whole file of {name} is not read: {found}")
                known.append(found)
                if state:
                    with state.open("a") as file:
                        file.write(json.dumps(found) + "\n")
        finally:
            reading.stop()
    return [one for one in known if one["format"] in names and 0 <= one["number"] < count]


def rows_of(found: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each format."""
    rows = []
    for name in dict.fromkeys(one["format"] for one in found):
        own = [one for one in found if one["format"] == name]
        counts = Counter(one["outcome"] for one in own)
        slowest, largest = max(one["seconds"] for one in own), max(one["mib"] for one in own)
        rows.append([name, str(len(own)), *(str(counts[o]) for o in OUTCOMES), f"{slowest:.1f}", f"{largest:.0f}"])
    return rows


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mutants", type=int, default=2000, help="of each format")
    options.add_argument("--format", action="append", help="only this one; may be repeated")
    options.add_argument("--only", type=int, help="make this one mutant, say what became of it, and leave it there")
    options.add_argument(
        "--state", type=Path, default=HERE.parents[1] / "build" / "fuzz.jsonl", help="what is done already"
    )
    options.add_argument("--no-results", action="store_true", help="print the table alone")
    options.add_argument("--read-in", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.read_in:
        read_mutants(asked.read_in)
        return
    from fuzz_files import FORMATS

    names = asked.format or list(FORMATS)
    if asked.only is not None:
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        found = outcome_of(folder, names[0], asked.only)
        print(f"{found['outcome']}: {found['how']} below {folder / 'mutant'}\n{found['words']}")
        return
    asked.state.parent.mkdir(parents=True, exist_ok=True)
    report(fuzz(names, asked.mutants, asked.state), whole=not asked.format and not asked.no_results)


def report(found: list[dict[str, Any]], *, whole: bool) -> None:
    """Print the table; where all formats were asked for, keep it in benchmarks/results."""
    from common import head, table, write_json, write_page

    rows = rows_of(found)
    listed = table(["format", "mutants", *OUTCOMES, "slowest, s", "most MiB"], rows)
    findings = [one for one in found if one["outcome"] in FINDINGS]
    lines = [f"- {one['format']} {one['number']}: {one['outcome']}, {one.get('how', '')}" for one in findings]
    print(listed, *lines, sep="\n")
    if whole:
        about, total = head(), len(found)
        words = (
            f"{total:,} damaged files of {len(rows)} formats, each through `spaxel info` and a read of the spectra. "
            f"Refused: in words of ours. Limits: {SECONDS:g} s and {MIB:g} MiB more than the process holds before."
        )
        write_json("fuzz", about, rows=rows, findings=findings)
        write_page("fuzz", "Damaged files", about, [words, listed, "\n".join(lines) or "Nothing was found."])


if __name__ == "__main__":
    main()
