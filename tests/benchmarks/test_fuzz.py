"""A few damaged files of each format through `spaxel info` and a read, in a watched process: a cube, or words of ours."""

import json

import pytest

fuzz = pytest.importorskip("fuzz")
files = pytest.importorskip("fuzz_files")
mutants = pytest.importorskip("fuzz_mutants")

COUNT, LARGE = 2, 100_000  # mutants of a format (benchmarks/fuzz.py makes more); of a file of more bytes only one


def test_every_mutant_ends_in_a_cube_or_in_words(tmp_path):
    reading, found = fuzz.Reading(tmp_path), []
    try:
        for name in files.FORMATS:
            whole = reading.ask(name, -1, seconds=60)
            if whole["outcome"] == "not at hand":
                continue
            assert whole["outcome"] == "ok", whole
            large = sum(file.stat().st_size for file in (tmp_path / "work" / "mutant").rglob("*")) > LARGE
            found += [reading.ask(name, number, seconds=60) for number in range(1 if large else COUNT)]
    finally:
        reading.stop()
    assert [one for one in found if one["outcome"] in fuzz.FINDINGS] == []
    refused = sum(one["outcome"] == "refused" for one in found)
    assert 0.2 * len(found) < refused < 0.9 * len(found)


def test_a_process_that_ends_hangs_or_grows_is_a_finding(tmp_path, monkeypatch):
    """Watched through a reader that does these things when it is told to."""
    child = tmp_path / "child.py"
    child.write_text(
        "import os, sys, time, pathlib\n"
        "here = pathlib.Path(sys.argv[2])\n"
        "(here / 'said.json').write_text('{}')\n"
        "for line in sys.stdin:\n"
        "    if 'crash' in line: os.abort()\n"
        "    if 'hang' in line: time.sleep(60)\n"
        "    if 'grow' in line: held = bytearray(os.urandom(2**20) * 90); time.sleep(60)\n"
        "    (here / 'said.part').write_text('{\"outcome\": \"ok\"}')\n"
        "    (here / 'said.part').replace(here / 'said.json')\n"
    )
    monkeypatch.setattr(fuzz, "HERE", child)
    reading = fuzz.Reading(tmp_path)
    try:
        said = {
            what: reading.ask(what, 0, seconds=1.5, mib=60)["outcome"] for what in ("fine", "crash", "hang", "grow")
        }
    finally:
        reading.stop()
    assert said == {"fine": "ok", "crash": "crash", "hang": "over time", "grow": "over memory"}


def test_a_mutant_is_of_its_format_and_number_alone(tmp_path):
    for folder, other in ((tmp_path / "a", 3), (tmp_path / "b", 3), (tmp_path / "c", 4)):
        folder.mkdir()
        path = files.make("npy", folder)
        mutants.damage(folder, path, mutants.seed_of("npy", other))
    a, b, c = ((tmp_path / name / "a.npy").read_bytes() for name in "abc")
    assert a == b != c


def test_what_is_done_is_not_done_again(tmp_path):
    state = tmp_path / "state.jsonl"
    fuzz.fuzz(["npy"], 2, state)
    lines = state.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [-1, 0, 1]
    found = fuzz.fuzz(["npy"], 3, state)
    assert state.read_text().splitlines()[:3] == lines
    assert [one["number"] for one in found] == [0, 1, 2]
    assert fuzz.rows_of(found)[0][:2] == ["npy", "3"]
