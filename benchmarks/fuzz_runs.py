"""Damaged and edited run folders: what every verb that reads a run says of them.

    python benchmarks/fuzz_runs.py                      # 60 mutants for each place that can be damaged
    python benchmarks/fuzz_runs.py --mutants 500 --only run.json

A mutant is a copy of a run with one thing changed: a value of run.json, an array, a chunk, a byte. Each goes through the verbs
in a forked child with a limit of time and memory. Allowed are an answer (exit 0) and words (exit 2, one line, no traceback).
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib
import io
import json
import os
import pkgutil
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import spaxel
from common import head, log, table, write_json, write_page
from spaxel.cli import main as command
from spaxel.store.run_folder import ARRAYS, RESULT, RUN, read_arrays, write_arrays

SECONDS, MIB, VERBS_EACH = 20, 3072, 3
OUTCOMES = ("answer", "words", "traceback", "crash", "time", "memory", "silent")
FILES = {"cut.json, a value": "cuts/kept/cut.json"}
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3, 10**30, 1e308, float("nan"), "", "x", "../..", "\x1b[2J", [], {}, [None], [[1, 2], 3], {"a": 1},
)  # fmt: skip


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Where something may be changed in plain values: paths of keys."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i in range(min(len(value), 3)):
            yield from places(value[i], (*path, i))


def edited(plain: Any, rng: np.random.Generator) -> Any:
    """Plain values with one of them replaced, left out, doubled or renamed."""
    plain = copy.deepcopy(plain)
    every = list(places(plain))
    *way, last = every[rng.integers(len(every))]
    holder = plain
    for key in way:
        holder = holder[key]
    kind = rng.integers(6)
    if kind == 0:
        del holder[last]
    elif kind == 1 and isinstance(holder[last], list):
        holder[last] = holder[last] * 3
    elif kind == 1 and isinstance(holder, dict):
        holder[f"{last}x"] = holder.pop(last)
    else:
        holder[last] = copy.deepcopy(ODD[rng.integers(len(ODD))])
    return plain


def edit_json(file: Path, rng: np.random.Generator) -> None:
    """One value of a JSON file, or now and then the whole."""
    plain = json.loads(file.read_text("utf-8"))
    if rng.random() < 0.03:
        text = "[" * 100_000
    elif rng.random() < 0.03:
        text = json.dumps(plain | {"learned": 0})[:-2].rstrip("0") + "[" * 900 + "]" * 900 + "}"
    else:
        text = json.dumps(edited(plain, rng))
    file.write_text(text, "utf-8")


def damage_bytes(file: Path, rng: np.random.Generator) -> None:
    """Bytes of a file: flipped, cut off, put in twice, zeroed, or all gone."""
    content = bytearray(file.read_bytes())
    where = int(rng.integers(max(len(content), 1)))
    kind = rng.integers(5)
    if kind == 0 and content:
        content[where] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        content = content[:where]
    elif kind == 2:
        content[where:where] = content[: where // 2 + 1]
    elif kind == 3:
        content[where : where + 64] = bytes(64)
    else:
        file.unlink()
        return
    file.write_bytes(bytes(content))


def edit_arrays(run: Path, rng: np.random.Generator) -> None:
    """One learned array: gone, cut, turned, of another kind, not finite; with the checksum of the new file."""
    arrays = read_arrays(run)
    name = sorted(arrays)[rng.integers(len(arrays))]
    held = arrays[name]
    kind = rng.integers(7)
    if kind == 0:
        del arrays[name]
    else:
        changes: list[Callable[[], np.ndarray]] = [
            lambda: held.ravel()[: max(held.size - 1, 0)], lambda: held[None], lambda: held.T[::-1] if held.ndim else held + 1,
            lambda: held.astype("float16" if held.dtype.kind == "f" else "float64"), lambda: np.full_like(held, -7),
            lambda: np.full(held.shape, np.nan),
        ]  # fmt: skip
        arrays[name] = changes[kind - 1]()
    said = json.loads((run / RUN).read_text("utf-8"))
    write_arrays(run, arrays)
    said.pop("checksum", None)
    (run / RUN).write_text(json.dumps(said), "utf-8")


def edit_zarr(run: Path, rng: np.random.Generator) -> None:
    """One value of the metadata of the result or of one of its arrays."""
    files = sorted((run / RESULT).rglob("zarr.json"))
    edit_json(files[rng.integers(len(files))], rng)


def damage_chunk(run: Path, rng: np.random.Generator) -> None:
    """One chunk of the result."""
    chunks = sorted(path for path in (run / RESULT).rglob("*") if path.is_file() and path.name != "zarr.json")
    damage_bytes(chunks[rng.integers(len(chunks))], rng)


def lose_array(run: Path, rng: np.random.Generator) -> None:
    """One array of the result, or one exchanged for another."""
    arrays = sorted(path for path in (run / RESULT).iterdir() if path.is_dir())
    one, other = (arrays[i] for i in rng.permutation(len(arrays))[:2])
    shutil.rmtree(one)
    if rng.random() < 0.5:
        shutil.copytree(other, one)


PLACES: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "run.json, a value": lambda run, rng: edit_json(run / RUN, rng),
    "run.json, bytes": lambda run, rng: damage_bytes(run / RUN, rng),
    "arrays, a value": edit_arrays,
    "arrays, bytes": lambda run, rng: damage_bytes(run / ARRAYS, rng),
    "result, metadata": edit_zarr,
    "result, a chunk": damage_chunk,
    "result, an array": lose_array,
    "cut.json, a value": lambda run, rng: edit_json(run / "cuts" / "kept" / "cut.json", rng),
    "history, bytes": lambda run, rng: damage_bytes(run / "history.jsonl", rng),
}


def verbs(run: Path, cube: Path, other: Path, out: Path) -> dict[str, list[str]]:
    """The command lines that read a run."""
    labels = (other / "cuts").exists() or not other.name
    found = {
        "predict": ["predict", run, cube, "-o", out / "predicted"],
        "score": ["score", run],
        "report": ["report", run],
        "figure": ["figure", run, "-o", out / "figure.png"],
        "export": ["export", run, out / "exported.nc"],
        "export fits": ["export", run, out / "exported.fits"],
        "compare": ["compare", other, run],
        "info": ["info", run],
    }
    if labels:
        found |= {
            "cut": ["cut", run, "2"],
            "merge": ["cut", run, "--merge", "0,1"],
            "save": ["cut", run, "2", "--from", "kept", "--save-as", "other"],
            "named": ["report", run, "--cut", "kept"],
        }
    return {name: [str(part) for part in line] for name, line in found.items()}


def tried(line: list[str], seconds: float = SECONDS) -> tuple[str, str]:
    """What a command line did in a forked child, one of OUTCOMES, and what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        said, code = io.StringIO(), 70
        resource.setrlimit(resource.RLIMIT_AS, (MIB * 2**20, MIB * 2**20))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                command(line)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001
            said.write(traceback.format_exc())
        os.write(writing, said.getvalue()[-60_000:].encode("utf-8", "replace"))
        os._exit(code)
    os.close(writing)
    text, ended, start = b"", None, time.monotonic()
    with os.fdopen(reading, "rb") as pipe:
        os.set_blocking(pipe.fileno(), False)
        while ended is None:
            text += pipe.read() or b""
            found, status = os.waitpid(child, os.WNOHANG)
            ended = status if found else None
            if ended is None and time.monotonic() - start > seconds:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return "time", " ".join(line)
            time.sleep(0.002)
        text += pipe.read() or b""
    said = text.decode("utf-8", "replace").strip()
    if os.WIFSIGNALED(ended):
        return "crash", f"signal {os.WTERMSIG(ended)}"
    code = os.WEXITSTATUS(ended)
    if "Traceback" in said or code == 70:
        return "traceback", said
    if code == 2 and "MemoryError" in said:
        return "memory", said
    return ("answer" if code == 0 else "words" if code == 2 and said else "silent"), said


def sources(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Runs to damage, each with its cube: of centres, of a mixture, of a table, of several cubes."""
    cube, names = folder / "a.zarr", ("kmeans", "mcr")
    lines = [
        ["simulate", "maxrf", cube, "--size", "24x20", "--seed", 1],
        ["segment", cube, "-o", folder / "kmeans", "--method", "kmeans", "--quiet"],
        ["cut", folder / "kmeans", 3, "--save-as", "kept"],
        ["unmix", cube, "-o", folder / "mcr", "--quiet", "--n-components", 5],
    ]
    for line in lines:  # in a child: the threads of Zarr do not outlive a fork
        outcome, said = tried([str(part) for part in line], 200)
        if outcome != "answer":
            sys.exit(f"{line}: {said}")
    return {name: (folder / name, cube) for name in names}


def warm() -> None:
    """Import what the verbs import, so that a child has it."""
    rooms = ("commands", "workflow", "store", "results", "reporting", "exporting", "methods", "figures")
    for found in pkgutil.walk_packages(spaxel.__path__, "spaxel."):
        if found.name.split(".")[1] in rooms and not {"net", "published"} & set(found.name.split(".")):
            importlib.import_module(found.name)


def tally(run: Path, cube: Path, damage: Callable, mutants: int, seed: int, folder: Path) -> tuple[Counter, Counter]:
    """How often each outcome comes of mutants of one place, and what was said where it was neither an answer nor words."""
    counts, strange = Counter(), Counter()
    for i in range(mutants):
        rng = np.random.default_rng([seed, i])
        mutant, out = folder / "mutant", folder / "out"
        shutil.copytree(run, mutant)
        damage(mutant, rng)
        lines = list(verbs(mutant, cube, run, out).items())
        for name, line in [lines[j] for j in rng.permutation(len(lines))[:VERBS_EACH]]:
            out.mkdir()
            outcome, said = tried(line)
            counts[outcome] += 1
            if outcome not in ("answer", "words"):
                strange[f"{outcome}: {name}: {said.splitlines()[-1][:150] if said else ''}"] += 1
            shutil.rmtree(out)
        shutil.rmtree(mutant)
    return counts, strange


def main() -> None:
    """Damage, try, count, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=60, help="for each run and place")
    parser.add_argument("--only", default="", help="places whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    about, rows, strange = head(), [], Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        warm()
        for source, (run, cube) in sources(folder).items():
            for place, damage in PLACES.items():
                if options.only not in place or not (run / FILES.get(place, RUN)).exists():
                    continue
                counts, odd = tally(run, cube, damage, options.mutants, options.seed, folder)
                strange += odd
                rows.append([source, place, options.mutants, *(counts[outcome] for outcome in OUTCOMES)])
                log(str(rows[-1]))
    for said, n in strange.most_common():
        log(f"{n} {said}")
    if options.only:
        return
    write_json("fuzz_runs", about, rows=rows, strange=dict(strange))
    text = (
        f"{len(rows) * options.mutants} mutants of two runs, each through {VERBS_EACH} verbs drawn from "
        f"{', '.join(verbs(Path(), Path(), Path(), Path()))}. Answer: exit 0. Words: exit 2 and one line. The others are "
        f"faults: a traceback, a crash of the process, more than {SECONDS} s, more than {MIB} MiB, an exit without a word."
    )
    write_page(
        "fuzz_runs", "Damaged and edited runs", about, [text, table(["run", "changed", "mutants", *OUTCOMES], rows)]
    )


if __name__ == "__main__":
    main()
