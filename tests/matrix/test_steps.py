"""Every correction through the command on every kind of data where it makes sense: `segment --step`, then `predict`."""

import warnings

import numpy as np
import pytest

import spaxel
from spaxel.store.run_folder import read_json, read_result

SMALL = ("--n-clusters", "3", "--n-init", "2", "--n-micro", "8", "--n-sample", "500", "--scaling", "none")
CHAINS = {
    "background": ("despike method=whitaker-hayes", "baseline", "normalise by=peak"),
    "scatter": ("emsc order=1", "align limit=1"),
    "scale": ("msc",),
    "image": ("despike method=neighbours threshold=9", "destripe", "voronoi target=3"),
    "reflectance": ("absorbance white=2", "baseline method=rolling_ball"),
    "continuum": ("continuum_removal", "smooth width=5"),
}
KINDS = ("counts", "reflectance", "flux", "raman", "eds", "table", "several", "border")
SENSE = {  # chain -> kinds of data
    "background": KINDS,
    "scatter": ("counts", "reflectance", "raman", "table", "several"),  # the others do not follow one reference
    "scale": ("counts", "several"),
    "image": KINDS,
    "reflectance": ("reflectance", "border"),
    "continuum": ("reflectance", "raman", "border"),
}
REFUSED = {("image", "table"): "In a table no pixel has neighbours"}
CELLS = [(chain, kind) for chain, wanted in SENSE.items() for kind in wanted]


@pytest.fixture(autouse=True)
def no_pages(monkeypatch):
    monkeypatch.setattr("spaxel.workflow.runs.reporting.report", lambda folder: folder)


@pytest.mark.parametrize(("chain", "kind"), CELLS)
@pytest.mark.filterwarnings("always::UserWarning")
def test_segment_and_predict(cli, kinds, tmp_path, chain, kind):
    data, steps = kinds[kind], [text for step in CHAINS[chain] for text in ("--step", step)]
    run = tmp_path / "run"
    code, out, err = cli("segment", *data.files, "-o", run, *SMALL, *steps)
    if (chain, kind) in REFUSED:
        assert (code, out) == (2, "")
        assert REFUSED[chain, kind] in err
        assert list(tmp_path.iterdir()) == []
        return
    assert code == 0, err
    places = [run / path.stem for path in data.files] if len(data.files) > 1 else [run]
    learned = read_json(run)["learned"]["steps"]
    assert [step["name"] for step in learned if step["name"] != "mask_channels"] == [
        s.split()[0] for s in CHAINS[chain]
    ]
    for place, lit in zip(places, data.lit, strict=True):
        labels = read_result(place)["labels"].values
        assert (labels[~lit] == -1).all()
        assert (labels[lit] >= 0).mean() > 0.95
    code, _, err = cli("predict", run, data.files[-1], "-o", tmp_path / "again")
    assert code == 0, err
    again, first = read_result(tmp_path / "again").load(), read_result(places[-1]).load()
    np.testing.assert_array_equal(again["labels"], first["labels"])
    assert [line for line in again.attrs["history"] if line in first.attrs["history"]] != []


def test_convert_corrects_once_and_predict_repeats_it_on_the_raw_file(cli, kinds, tmp_path):
    (raw,) = kinds["raman"].files
    code, _, err = cli("convert", raw, tmp_path / "flat.zarr", "--step", "baseline", "--step", "normalise by=peak")
    assert code == 0, err
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flat, asked = spaxel.open_cube(tmp_path / "flat.zarr"), spaxel.open_cube(raw)
    expected = spaxel.normalise(spaxel.baseline(asked), "peak")
    np.testing.assert_array_equal(flat["spectra"], expected["spectra"])
    assert flat.attrs["steps"] == expected.attrs["steps"]
    assert cli("segment", tmp_path / "flat.zarr", "-o", tmp_path / "run", *SMALL)[0] == 0
    assert cli("predict", tmp_path / "run", raw, "-o", tmp_path / "again")[0] == 0
    labels = [read_result(tmp_path / name)["labels"].values for name in ("run", "again")]
    np.testing.assert_array_equal(*labels)


def test_steps_are_listed(cli):
    code, out, _ = cli("steps")
    assert code == 0
    for name in ("baseline", "msc", "emsc", "normalise", "align", "despike", "destripe", "continuum_removal", "absorbance",
                 "voronoi"):  # fmt: skip
        assert f"\n{name} " in out
    assert "method=arpls lam=none p=0.01" in out
    assert '"baseline": {' in cli("steps", "--json")[1]
