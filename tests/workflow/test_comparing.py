"""spaxel compare: two runs of one image, through Python and the command."""

import json

import numpy as np
import pytest

import spaxel
from spaxel.errors import Exists, NotFound, ParameterError
from spaxel.figures.palette import BACKGROUND, matched_colors
from spaxel.results.cut import cut
from spaxel.store.run_folder import read_result
from spaxel.workflow.recut import keep_cut


def test_a_run_and_a_kept_cut_of_it(cli, own_run, tmp_path):
    keep_cut(own_run, "two", 2, names={0: "a <b>"})
    page = tmp_path / "both.html"
    code, out, err = cli("compare", own_run, own_run / "cuts" / "two", "-o", page)
    assert (code, err) == (0, "")
    assert out.startswith("run and run two agree on")
    assert "run is the finer one" in out
    assert f"page: {page}" in out
    text = page.read_text("utf-8")
    assert "a &lt;b&gt;" in text
    assert "a <b>" not in text.split("<script")[0]
    assert text.count("--save-as") or "spaxel cut" in text
    assert "http://" not in text.split("<script")[0].replace("http://www.w3.org", "")
    found = json.loads(cli("compare", own_run, own_run / "cuts" / "two", "--json")[1])
    assert found["finer"] < 1
    assert found["coarser"] == 1
    assert np.sum(found["table"]) == found["n_pixels"] == 340
    assert cli("compare", own_run, own_run / "cuts" / "two", "-o", page)[0] == 2
    assert cli("compare", own_run, own_run / "cuts" / "two", "-o", page, "--overwrite")[0] == 0
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(Exists):
        spaxel.compare(own_run, own_run, out=tmp_path / "mine.html", overwrite=True)
    with pytest.raises(ParameterError, match=r"no name of a page. Try both.html"):
        spaxel.compare(own_run, own_run, out=tmp_path / "both.png")


def test_matched_components_have_the_same_colour(scan_run):
    result = read_result(scan_run).load()
    found = spaxel.compare(result, cut(result, 2))
    first, second = found.colors()
    for i, j in found.agreement.matching:
        assert second[j] == first[i]
    assert matched_colors(["#E69F00"], [(0, 1)], 3)[1] == "#E69F00"
    own = matched_colors(["#E69F00"], [(0, 1)], 3)
    assert len(set(own)) == 3
    assert BACKGROUND not in own
    with pytest.raises(NotFound):
        spaxel.compare(scan_run, scan_run / "cuts" / "none")


def test_different_images_are_refused(scan_run):
    result = read_result(scan_run).load()
    with pytest.raises(ParameterError, match=r"different images \(20 x 17 and 12 x 17 pixels\)"):
        spaxel.compare(result, result.isel(y=slice(12)))
    other = result.assign(picture=result["picture"][::-1])
    with pytest.raises(ParameterError, match=r"different images.*same_image=True"):
        spaxel.compare(result, other)
    assert spaxel.compare(result, other, same_image=True).agreement.ari == 1
