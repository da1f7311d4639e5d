import json

import pytest

from spaxel.errors import ReadError
from spaxel.store.records import Cut, Run, read_plain

RUN = {
    "format": "spaxel-run",
    "version": 1,
    "name": "a",
    "colors": ["#0072B2"],
    "seconds": {"fit": 1.5},
    "other": [1, {"a": None}],
}
CUT = {
    "format": "spaxel-cut",
    "version": 1,
    "name": "a",
    "command": "",
    "made": {"level": 2, "names": ["", ""], "by_hand": []},
}


def read(tmp_path, kind, text):
    (tmp_path / "plain.json").write_text(text, "utf-8")
    return read_plain(tmp_path / "plain.json", kind, "to fit again")


@pytest.mark.parametrize(("kind", "plain"), [(Run, RUN), (Cut, CUT)])
def test_what_was_written_is_read_as_it_is(tmp_path, kind, plain):
    assert read(tmp_path, kind, json.dumps(plain)) == plain


@pytest.mark.parametrize(
    ("kind", "plain", "said"),
    [
        (Run, RUN | {"colors": ["red"]}, r"colors\.0 is 'red'"),
        (Run, RUN | {"colors": ["#0072B2\n"]}, r"colors\.0"),
        (Run, RUN | {"seconds": {"fit": [1]}}, r"seconds"),
        (Run, RUN | {"inputs": ["a"]}, "inputs is"),
        (Run, RUN | {"cut": CUT["made"] | {"level": -1}}, r"cut\.level is -1"),
        (Run, RUN | {"learned": {"history": [3]}}, r"learned\.history\.0 is 3"),
        (Run, RUN | {"score": {"ari": 1.0}}, r"score\.n_pixels \(Field required"),
        (Cut, CUT | {"made": {"level": 2, "names": ["", ""]}}, r"made\.by_hand \(Field required"),
        (Cut, CUT | {"made": CUT["made"] | {"component": [0, "1"]}}, r"made\.component\.1 is '1'"),
        (Run, RUN | {"version": 2}, "version 2, this spaxel reads 1. Try to update"),
        (Run, CUT, "was not written by spaxel"),
        (Run, [RUN], "was not written by spaxel"),
    ],
)
def test_a_value_of_another_kind_is_named(tmp_path, kind, plain, said):
    with pytest.raises(ReadError, match=said):
        read(tmp_path, kind, json.dumps(plain))


@pytest.mark.parametrize("text", ["", "{", "\udce9", "[" * 100_000, '{"format": ' + "[" * 50_000])
def test_what_is_no_json_is_damage(tmp_path, text):
    (tmp_path / "plain.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReadError, match=r"plain\.json is damaged"):
        read_plain(tmp_path / "plain.json", Run, "to fit again")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("spaxel.store.records.LARGEST", 50)
    with pytest.raises(ReadError, match="larger than"):
        read(tmp_path, Run, json.dumps(RUN))
