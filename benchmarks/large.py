"""One cube of many GiB through every command, each a process of its own: peak memory, CPU and wall seconds, size of the output.

    python benchmarks/large.py [--size GIB] [--folder CUBES] [--only CASE …] [--fresh]

`spaxel simulate` makes a painting of 1,024 channels in Zarr tiles; this file writes the same numbers as ENVI bsq and as HDF5
in whole image planes (gzip). Each case is kept in results/large.json as soon as it is measured, and is not measured again at
the same size and the same code (the last commit that changed `src`). Two peers read the same ENVI file.

Peak is the resident memory that the system counts at the end of the process, file pages that are mapped among it; private
is the most of RssAnon, what no file stands behind, of the process and its children together, looked at 20 times a second.
Bar: a peak below 1.5 GiB for each command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from common import RESULTS, head, log, table, write_json, write_page

MIB, GIB = 2**20, 2**30
CHANNELS, PIGMENTS = 1024, 6
BAR = 1536  # MiB
MEMORY = "512MiB"
LOOK = 0.05  # seconds between two looks at a process
STRIP = 64  # rows that are rewritten at once
BATCH = 65_536  # pixels of a batch of the peers
SELF = str(Path(__file__).resolve())


@dataclass(frozen=True)
class Case:
    """What is run. words : of the command, or of this file ("self"), with names in braces for paths

    makes : the path whose size is the output      needs : cases whose output it reads      bar : whether it is ours
    """

    layout: str
    words: tuple[str, ...]
    makes: str
    needs: tuple[str, ...] = ()
    bar: bool = True


def _run(verb: str, layout: str, out: str, *more: str) -> Case:
    """`segment` or `unmix` of one layout into a run of its own."""
    axis = ("--channel-axis", "0") if layout == "hdf5" else ()
    words = (verb, f"{{{layout}}}", "--out", f"{{{out}}}", "--memory", MEMORY, "--overwrite", "--quiet", *axis, *more)
    return Case(layout, words, out, ({"zarr": "simulate", "envi": "as envi", "hdf5": "as hdf5"}[layout],))


def _after(verb: str, makes: str, *more: str) -> Case:
    """What is done with the run of k-means."""
    return Case("run", (verb, "{kmeans}", *more, "--memory", MEMORY), makes, ("segment kmeans",))


def _export(form: str) -> Case:
    return _after("export", f"export-{form}", "--to", form, "--out", f"{{export-{form}}}", "--overwrite")


CASES = {
    "simulate": Case(
        "zarr",
        ("simulate", "maxrf", "{zarr}", "--size", "{pixels}", "--seed", "1", "--option", f"channels={CHANNELS}"),
        "zarr",
    ),
    "segment kmeans": _run("segment", "zarr", "kmeans", "--method", "kmeans"),
    "score": _after("score", "", "--json"),
    "cut 8": _after("cut", "kmeans", "8"),
    "export geotiff": _export("geotiff"),
    "export envi": _export("envi"),
    "export hspy": _export("hspy"),
    "report": _after("report", "kmeans", "--lines", "auto"),
    "predict": Case(
        "zarr",
        ("predict", "{kmeans}", "{zarr}", "--out", "{predicted}", "--memory", MEMORY, "--overwrite", "--quiet"),
        "predicted",
        ("segment kmeans",),
    ),
    "unmix": _run("unmix", "zarr", "unmixed"),
    "as envi": Case("zarr", ("self", "envi", "{zarr}", "{envi}"), "envi", ("simulate",), bar=False),
    "envi: segment kmeans": _run("segment", "envi", "envi-kmeans", "--method", "kmeans"),
    "as hdf5": Case("envi", ("self", "hdf5", "{envi}", "{hdf5}"), "hdf5", ("as envi",), bar=False),
    "hdf5: segment kmeans": _run("segment", "hdf5", "hdf5-kmeans", "--method", "kmeans"),
    "segment": _run("segment", "zarr", "run"),
    "dsc": _run("segment", "zarr", "dsc", "--method", "dsc"),
    "dgc": _run("segment", "zarr", "dgc", "--method", "dgc"),
    "MiniBatchKMeans": Case("envi", ("self", "minibatch", "{envi}", "{raw}"), "raw", ("as envi",), bar=False),
    "MiniBatchKMeans, shares": Case(
        "envi", ("self", "shares", "{envi}", "{shares}"), "shares", ("as envi",), bar=False
    ),
    "HyperSpy, lazy": Case("envi", ("self", "hyperspy", "{envi}", "{hyperspy}"), "hyperspy", ("as envi",), bar=False),
}
ENDINGS = {"zarr": ".zarr", "envi": ".img", "hdf5": ".h5", "raw": ".npy", "shares": ".npy", "hyperspy": ".npy"}


def shape_of(gibibytes: float) -> tuple[int, int]:
    """Rows and columns, 2 to 3 and multiples of 64, of about so many GiB of 1,024 channels in uint16."""
    unit = (gibibytes * GIB / (2 * CHANNELS) / 6) ** 0.5
    side = max(round(unit / 32), 1) * 32
    return 2 * side, 3 * side


def paths_of(folder: Path, rows: int, columns: int) -> dict[str, str]:
    """Where everything of one size lies."""
    names = {case.makes for case in CASES.values()} - {""}
    where = folder / f"{rows}x{columns}"
    return {name: str(where / (name + ENDINGS.get(name, ""))) for name in names} | {"pixels": f"{rows}x{columns}"}


def command(words: Iterable[str], paths: dict[str, str]) -> list[str]:
    """The words of a process, with its paths."""
    first, *rest = [word.format(**paths) for word in words]
    if first == "self":
        return [sys.executable, SELF, "--do", *rest]
    return [str(Path(sys.executable).parent / "spaxel"), first, *rest]


def private(process: int) -> int:
    """Bytes that a process and its children hold and no file stands behind (Linux)."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")]
    return sum(own) + sum(private(int(child)) for child in children)


def measured(words: list[str]) -> dict[str, Any]:
    """Run it to its end: peak, private, cpu, wall, what it said on stdout, and the last line of stderr if it failed."""
    begin, most, done = time.perf_counter(), 0, 0
    with TemporaryFile() as said, TemporaryFile() as complaint:
        process = subprocess.Popen(words, stdout=said, stderr=complaint)
        while not done:
            done, status, used = os.wait4(process.pid, os.WNOHANG)
            most = max(most, 0 if done else private(process.pid))
            time.sleep(0 if done else LOOK)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = [(stream.seek(0), stream.read().decode(errors="replace"))[1] for stream in (said, complaint)]
    row = {"peak": used.ru_maxrss * 1024, "private": most, "cpu": used.ru_utime + used.ru_stime}
    row |= {"wall": time.perf_counter() - begin, "said": texts[0]}
    if process.returncode:
        log(texts[1])
        row["failed"] = (texts[1].strip().splitlines() or [f"exit code {process.returncode}"])[-1]
    return row


def size_of(path: Path) -> int:
    """Bytes of a file or of all files of a folder."""
    return sum(p.stat().st_size for p in ([path] if path.is_file() else path.rglob("*")) if p.is_file())


def as_envi(source: Path, out: Path) -> None:
    """The spectra of a Zarr cube as ENVI bsq, strip by strip."""
    import zarr

    group = zarr.open_group(source, mode="r")
    spectra, axis = group["spectra"], group["channel"]
    rows, columns, channels = spectra.shape
    with out.open("wb") as stream:
        stream.truncate(2 * rows * columns * channels)
        for y in range(0, rows, STRIP):
            strip = np.ascontiguousarray(np.asarray(spectra[y : y + STRIP]).transpose(2, 0, 1), "<u2")
            for c, plane in enumerate(strip):
                os.pwrite(stream.fileno(), plane.data, 2 * columns * (c * rows + y))
    lines = {"samples": columns, "lines": rows, "bands": channels, "header offset": 0, "data type": 12}
    lines |= {"interleave": "bsq", "byte order": 0, "wavelength units": axis.attrs["units"]}
    lines["wavelength"] = "{" + ", ".join(map(repr, np.asarray(axis).tolist())) + "}"
    text = "\n".join(["ENVI", *(f"{key} = {value}" for key, value in lines.items())])
    out.with_suffix(".hdr").write_text(text + "\n")


def header_of(path: Path) -> dict[str, str]:
    """What the header of an ENVI file of this benchmark says."""
    return dict(line.split(" = ") for line in path.with_suffix(".hdr").read_text().splitlines() if " = " in line)


def planes_of(path: Path) -> np.ndarray:
    """An ENVI bsq file of this benchmark, mapped: (channel, row, column)."""
    lines = header_of(path)
    return np.memmap(path, "<u2", "r", shape=tuple(int(lines[name]) for name in ("bands", "lines", "samples")))


def as_hdf5(source: Path, out: Path) -> None:
    """An ENVI bsq file as HDF5, one chunk for each image plane, gzip."""
    import h5py

    planes, told = planes_of(source), header_of(source)
    with h5py.File(out, "w") as file:
        kind = {"chunks": (1, *planes.shape[1:]), "compression": "gzip", "compression_opts": 1}
        cube = file.create_dataset("cube", planes.shape, "<u2", **kind)
        for c in range(len(planes)):
            cube[c] = planes[c]
        file["energy"] = np.array(json.loads(told["wavelength"].replace("{", "[").replace("}", "]")))
        file["energy"].attrs["units"] = told["wavelength units"]


def minibatch(source: Path, out: Path, *, shares: bool) -> None:
    """What somebody would write: MiniBatchKMeans over a memory map, a pass to learn in random order, a pass to label.

    shares : square roots of each channel's share of the photons, as benchmarks/lean.py; else raw counts
    """
    from sklearn.cluster import MiniBatchKMeans

    flat = planes_of(source).reshape(CHANNELS, -1)

    def batch(start: int) -> np.ndarray:
        spectra = np.ascontiguousarray(flat[:, start : start + BATCH].T, np.float32)
        return np.sqrt(spectra / np.maximum(spectra.sum(1, keepdims=True), 1)) if shares else spectra

    model = MiniBatchKMeans(PIGMENTS, random_state=0)
    starts = np.arange(0, flat.shape[1], BATCH)
    for start in np.random.default_rng(0).permutation(starts):
        model.partial_fit(batch(start))
    np.save(out, np.concatenate([model.predict(batch(start)) for start in starts]))


def hyperspy(source: Path, out: Path) -> None:
    """HyperSpy on a lazy signal: components under the noise of counts, k-means of what each pixel has of them."""
    import dask.array as da
    import hyperspy.api as hs

    planes = planes_of(source)
    side = 256
    lazy = da.from_array(planes, chunks=(CHANNELS, side, side)).transpose(1, 2, 0)
    signal = hs.signals.Signal1D(lazy.astype(np.float32)).as_lazy()
    signal.decomposition(normalize_poissonian_noise=True, algorithm="PCA", output_dimension=PIGMENTS)
    signal.cluster_analysis("decomposition", n_clusters=PIGMENTS, random_state=0, n_init=1)
    np.save(out, signal.get_cluster_labels(merged=True).data.astype(np.int32).ravel())


def agreement(truth: Path, made: Path) -> None:
    """Print the ARI of labels with the truth of a Zarr cube. made : a run, or labels as .npy"""
    import zarr
    from sklearn.metrics import adjusted_rand_score

    true = np.asarray(zarr.open_group(truth, mode="r")["truth_labels"])
    labels = np.load(made) if made.suffix == ".npy" else zarr.open_group(made / "result.zarr", mode="r")["labels"]
    print(adjusted_rand_score(true.ravel(), np.asarray(labels).ravel()))


def ari_of(case: Case, paths: dict[str, str]) -> float | None:
    """The agreement, by a process of its own: what this one holds is counted as held by those that it starts."""
    made = paths.get(case.makes, "")
    if not (made.endswith(".npy") or case.words[0] in ("segment", "unmix", "predict")) or not Path(made).exists():
        return None
    return float(measured([sys.executable, SELF, "--do", "agreement", paths["zarr"], made])["said"])


def code() -> str:
    """The last commit that changed what is measured."""
    words = ["git", "-C", str(Path(SELF).parents[1])]
    last = subprocess.run(
        [*words, "log", "-1", "--format=%h", "--", "src"], capture_output=True, text=True, check=False
    )
    dirty = subprocess.run([*words, "status", "--porcelain", "--", "src"], capture_output=True, text=True, check=False)
    return last.stdout.strip() + (", with changes" if dirty.stdout.strip() else "")


def wanted(only: Iterable[str], rows: list[dict[str, Any]], now: dict[str, Any], paths: dict[str, str]) -> list[str]:
    """The cases to run, in order: those that are not measured yet, and what they need that does not lie there.

    now : the size and code that a row has to be of
    """
    done = {row["case"] for row in rows if all(row[key] == value for key, value in now.items())}
    found: set[str] = set()

    def want(name: str) -> None:
        found.add(name)
        for need in CASES[name].needs:
            if not Path(paths[CASES[need].makes]).exists():
                want(need)

    for name in only:
        if name not in done:
            want(name)
    return [name for name in CASES if name in found]


def lines(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table."""
    found = []
    for row in sorted(rows, key=lambda row: (-row["bytes"], [*CASES].index(row["case"]))):
        case, peak = CASES[row["case"]], row["peak"] / MIB
        bar = ("kept" if peak < BAR else "MISSED") if case.bar else ""
        told = row.get("failed", "") or bar
        ari = "" if row.get("ari") is None else f"{row['ari']:.3f}"
        cells = [
            f"{row['bytes'] / GIB:.1f}",
            row["case"],
            case.layout,
            f"{peak:.0f}",
            "" if row["private"] is None else f"{row['private'] / MIB:.0f}",
        ]
        cells += [f"{row['cpu']:.0f}", f"{row['wall']:.0f}", f"{row['output'] / MIB:.0f}", ari, told, row["code"]]
        found.append(cells)
    return found


def page(rows: list[dict[str, Any]]) -> list[str]:
    """The page, as parts."""
    header = ("cube, GiB", "what", "reads", "peak, MiB", "private, MiB", "CPU s", "wall s", "written, MiB", "ARI")
    left = [name for name in CASES if name not in {row["case"] for row in rows}]
    told = (
        f"Simulated paintings of {CHANNELS} channels, uint16, {PIGMENTS} pigments. Commands that take it with "
        f"`--memory {MEMORY}`, else as they are; one run each, one after the other. Peak: resident memory as the system counts "
        "it, mapped file pages too, and never less than what this benchmark itself holds (about 174 MiB). Private: what no "
        "file stands behind, with children. The machine was shared, so wall seconds mean little. `as envi` and `as hdf5` "
        "are this benchmark's own, and like the peers have no bar. Code: the last commit that changed `src`."
    )
    parts = [told, f"Bar: a peak below {BAR} MiB.", table((*header, "bar", "code"), lines(rows))]
    return parts + ([f"Not measured: {', '.join(left)}."] if left else [])


def kept_rows() -> list[dict[str, Any]]:
    """The rows that are in benchmarks/results."""
    path = RESULTS / "large.json"
    return json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []


def measure(folder: Path, gibibytes: float, only: list[str], *, fresh: bool, keep: bool) -> None:
    """Run what is not measured yet, and write each row at once. keep : in benchmarks/results"""
    about, rows = head(), kept_rows() if keep else []
    height, width = shape_of(gibibytes)
    paths, now = paths_of(folder, height, width), {"bytes": 2 * CHANNELS * height * width, "code": code()}
    Path(paths["zarr"]).parent.mkdir(parents=True, exist_ok=True)
    for name in wanted(only, [] if fresh else rows, now, paths):
        case = CASES[name]
        if name == "simulate":
            shutil.rmtree(paths["zarr"], ignore_errors=True)
        row = {"case": name, **now, "shape": [height, width, CHANNELS]} | measured(command(case.words, paths))
        row["said"] = row["said"][-2000:]
        row["output"] = size_of(Path(paths[case.makes])) if case.makes and Path(paths[case.makes]).exists() else 0
        row["ari"] = None if "failed" in row else ari_of(case, paths)
        log(f"{name}: {row['peak'] / MIB:.0f} MiB, {row['cpu']:.0f} CPU s, {row['wall']:.0f} s {row.get('failed', '')}")
        rows = kept_rows() if keep else rows  # another one may have measured since
        rows = [old for old in rows if (old["case"], old["bytes"]) != (name, row["bytes"])] + [row]
        if keep:
            write_json("large", about, rows=rows)
            write_page("large", "One large cube through every command", about, page(rows))
    print("\n\n".join(page(rows)))


DO = {
    "agreement": agreement,
    "envi": as_envi,
    "hdf5": as_hdf5,
    "minibatch": lambda source, out: minibatch(source, out, shares=False),
    "shares": lambda source, out: minibatch(source, out, shares=True),
    "hyperspy": hyperspy,
}


def main() -> None:
    """Run and write benchmarks/results/large.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=12, metavar="GIB")
    parser.add_argument(
        "--folder", type=Path, default=Path("/tmp/spaxel-large"), help="where the cubes are made and kept"
    )
    parser.add_argument("--only", nargs="+", choices=[*CASES], default=[*CASES])
    parser.add_argument("--fresh", action="store_true", help="measure again what is measured")
    parser.add_argument("--quick", action="store_true", help="48 MiB, nothing is written to benchmarks/results")
    parser.add_argument("--do", nargs=3, metavar=("WHAT", "SOURCE", "OUT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.do:
        DO[chosen.do[0]](Path(chosen.do[1]), Path(chosen.do[2]))
        return
    size = 48 / 1024 if chosen.quick else chosen.size
    measure(chosen.folder, size, chosen.only, fresh=chosen.fresh, keep=not chosen.quick)


if __name__ == "__main__":
    main()
