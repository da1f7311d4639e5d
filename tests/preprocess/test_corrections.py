"""Each correction against a known answer."""

import numpy as np
import pytest

import spaxel
from spaxel.cube import make_cube
from spaxel.errors import AxisError, CubeError, ParameterError
from spaxel.preprocess.background import baseline, continuum_removal
from spaxel.preprocess.binning import voronoi
from spaxel.preprocess.hull import upper_hull
from spaxel.preprocess.scatter import emsc, msc
from spaxel.preprocess.shifts import align
from spaxel.preprocess.spikes import despike
from spaxel.preprocess.stripes import destripe
from spaxel.preprocess.values import absorbance, normalise

C = np.arange(200.0)
BANDS = np.exp(-(((C - 60) / 3) ** 2)) + 0.6 * np.exp(-(((C - 130) / 4) ** 2))


@pytest.mark.parametrize(
    ("method", "most"), [("arpls", 0.05), ("asls", 0.15), ("rolling_ball", 0.25), ("polynomial", 0.06)]
)
def test_bands_on_a_polynomial_are_recovered(method, most):
    rng = np.random.default_rng(0)
    t = C / 200
    under = np.array([5 + 3 * t - 2 * t**2, 9 - 4 * t, 2 + 6 * t - 5 * t**2])[None]
    flat = baseline(make_cube(BANDS + under + rng.normal(0, 0.005, (1, 3, 200))), method)
    assert np.abs(flat["spectra"].values - BANDS).max() < most


def test_a_background_of_zeros_and_missing_spectra():
    spectra = np.zeros((1, 3, 60))
    spectra[0, 1] = np.nan
    spectra[0, 2] = np.inf
    new = baseline(make_cube(spectra))["spectra"].values
    assert np.array_equal(new, spectra, equal_nan=True)


def test_the_hull_is_that_of_every_pair_of_points():
    rng = np.random.default_rng(1)
    axis = np.cumsum(rng.uniform(0.5, 2, 15))
    spectra = rng.normal(size=(20, 15))
    spectra[rng.random(spectra.shape) < 0.2] = np.nan
    for spectrum, hull in zip(spectra, upper_hull(axis, spectra), strict=True):
        there = np.flatnonzero(np.isfinite(spectrum))
        for c in range(there[0], there[-1] + 1):
            lines = [
                spectrum[i] + (spectrum[j] - spectrum[i]) * (axis[c] - axis[i]) / (axis[j] - axis[i])
                for i in there for j in there if i < j and i <= c <= j
            ]  # fmt: skip
            assert hull[c] == pytest.approx(max(lines))


def test_depths_of_bands_do_not_depend_on_the_light():
    depth = 1 - 0.4 * BANDS
    dim, bright = 0.2 * depth * (1 + 0.001 * C), 0.9 * depth
    removed = continuum_removal(make_cube(np.stack([[dim, bright]])))["spectra"].values[0]
    np.testing.assert_allclose(removed[1], depth, atol=1e-3)
    np.testing.assert_allclose(removed[0], depth, atol=0.01)


@pytest.mark.parametrize(("correct", "order"), [(msc, 0), (emsc, 2), (lambda c, **k: emsc(c, 4, **k), 4)])
def test_scale_and_offset_are_undone_exactly(correct, order):
    rng = np.random.default_rng(2)
    t = np.linspace(-1, 1, 200)
    spoiled = BANDS * rng.uniform(0.3, 3, (5, 4, 1)) + rng.normal(0, 2, (5, 4, order + 1)) @ [
        t**k for k in range(order + 1)
    ]
    new = correct(make_cube(spoiled), reference=BANDS)["spectra"].values
    np.testing.assert_allclose(new, np.broadcast_to(BANDS, new.shape), atol=1e-11)
    spoiled[rng.random(spoiled.shape) < 0.1] = np.nan
    holed = correct(make_cube(spoiled), reference=BANDS)["spectra"].values
    assert np.array_equal(np.isnan(holed), np.isnan(spoiled))
    np.testing.assert_allclose(holed, np.where(np.isnan(spoiled), np.nan, BANDS), atol=1e-11)


def test_a_spectrum_that_runs_against_the_reference_is_missing():
    new = msc(make_cube(np.stack([[BANDS, 3 - BANDS]])), reference=BANDS)["spectra"].values[0]
    assert np.isfinite(new[0]).all()
    assert np.isnan(new[1]).all()
    assert (
        "33% of the sample do not follow it"
        in msc(make_cube(np.stack([[BANDS, 2 * BANDS, 3 - BANDS]]))).attrs["history"][0]
    )


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_known_shifts_are_undone(noise):
    rng = np.random.default_rng(3)
    shifts = rng.uniform(-2.8, 2.8, (6, 5, 1))
    x = C - shifts
    moved = 1 + 0.002 * C + np.exp(-(((x - 60) / 3) ** 2)) + 0.6 * np.exp(-(((x - 130) / 4) ** 2))
    cube = make_cube(moved + rng.normal(0, noise, moved.shape))
    aligned = align(cube, reference=1 + 0.002 * C + BANDS)["spectra"].values
    slope = np.gradient(BANDS)
    left = ((aligned - 1 - 0.002 * C - BANDS) @ slope) / (slope @ slope)  # channels, to first order
    assert np.abs(left).max() < 0.05


def test_a_shift_beyond_the_limit_and_noise_alone_stay():
    rng = np.random.default_rng(4)
    far, noise = np.exp(-(((C - 70) / 3) ** 2)), rng.normal(size=200)
    cube = make_cube(np.stack([[far, noise]]))
    new = align(cube, limit=3, reference=np.exp(-(((C - 60) / 3) ** 2)))["spectra"].values
    assert np.array_equal(new[0, 0], far)


def test_normalise_knows_area_band_and_peak():
    axis = np.array([400.0, 410.0, 430.0, 470.0])
    cube = make_cube(np.array([[[1.0, 2.0, 4.0, 3.0], [0.0, -1.0, 0.0, 0.5]]]), axis, "nm")
    area = normalise(cube)["spectra"].values[0, 0]
    assert (area * np.gradient(axis)).sum() == pytest.approx(1)
    band = normalise(cube, "band", 410, 430)["spectra"].values[0]
    assert band[0].tolist() == [1 / 3, 2 / 3, 4 / 3, 1]
    assert np.isnan(band[1]).all()  # its band is below zero
    assert normalise(cube, "peak")["spectra"].values[0].max(1).tolist() == [1, 1]


def test_absorbance_adds_up_and_has_no_logarithm_of_nothing():
    cube = make_cube(np.array([[[100.0, 10.0, 0.0, -1.0, np.nan]]]))
    new = absorbance(cube, white=100)["spectra"].values[0, 0]
    assert new[:2].tolist() == [0, 1]
    assert np.isnan(new[2:]).all()


@pytest.mark.parametrize("method", ["median", "whitaker-hayes", "neighbours"])
def test_spikes_go_by_every_way_also_at_the_ends(method):
    rng = np.random.default_rng(5)
    clean = 10 + BANDS + rng.normal(0, 0.05, (9, 8, 200))
    spiky = clean.copy()
    for y, x, c in ((1, 2, 0), (4, 4, 199), (7, 1, 100), (3, 6, 60)):
        spiky[y, x, c] += 9
    new = despike(make_cube(spiky), method=method)["spectra"].values
    assert np.abs(new - clean).max() < 0.6
    assert (new != spiky).mean() < 0.01


@pytest.mark.parametrize("wide", [1, 2, 3])
def test_spikes_of_up_to_three_channels_go_whole(wide):
    rng = np.random.default_rng(11)
    clean = 10 + BANDS + rng.normal(0, 0.05, (20, 20, 200))
    spiky = clean.copy()
    for y, x in np.argwhere(rng.random((20, 20)) < 0.1):
        at = rng.integers(3, 197 - wide)  # three at the very end look like a band that begins there
        spiky[y, x, at : at + wide] += rng.uniform(5, 40, wide)
    new = despike(make_cube(spiky), threshold="auto")
    assert [step["name"] for step in new.attrs["steps"]] == ["despike"]
    assert np.abs(new["spectra"].values - clean).max() < 1  # of up to 40, on the flanks of bands
    assert (new["spectra"].values != spiky).sum() <= (spiky != clean).sum()


def test_sharp_lines_that_neighbours_share_stay():
    rng = np.random.default_rng(6)
    lines = rng.normal(5, 0.1, (12, 12, 80))
    lines[:, :6, 40] += 30  # one channel wide, in half of the image
    lines[2:4, 8:10, 20] += 30  # and in four pixels
    lines[9, 9, 60] += 30
    new = despike(make_cube(lines), method="neighbours")["spectra"].values
    changed = np.argwhere(new != lines)
    assert changed.tolist() == [[9, 9, 60]]
    assert (despike(make_cube(lines))["spectra"].values[:, :6, 40] < 10).all()  # the running median alone takes them


@pytest.mark.parametrize("how", ["offset", "gain"])
@pytest.mark.parametrize("along", ["columns", "rows"])
def test_stripes_go_and_the_scene_stays(how, along):
    rng = np.random.default_rng(7)
    labels = (np.add.outer(np.arange(70), np.arange(60)) // 30) % 3
    scene = np.array([[1.0, 2, 3], [2, 2, 2], [3, 1, 2]])[labels]
    stripes = rng.normal(0, 0.2, (60, 3))
    spoiled = scene + stripes if how == "offset" else scene * np.exp(stripes)
    spoiled = spoiled + rng.normal(0, 0.02, scene.shape)
    turned = spoiled if along == "columns" else spoiled.swapaxes(0, 1)
    new = destripe(make_cube(turned).chunk(y=11), along, how)["spectra"].values
    new = new if along == "columns" else new.swapaxes(0, 1)
    assert (new - scene).std() < 0.35 * (spoiled - scene).std()


@pytest.mark.parametrize("with_variance", [True, False])
def test_bins_reach_the_signal_to_noise_that_is_wanted(with_variance):
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:40, :36]
    light = 1 + 30 * np.exp(-np.hypot(y - 18, x - 20) / 5)
    clean = light[..., None] * (1 + 0.3 * BANDS[::4])
    noise = 2.0
    variance = np.full(clean.shape, noise**2) if with_variance else None
    cube = make_cube(clean + rng.normal(0, noise, clean.shape), variance=variance)
    binned = voronoi(cube, target=10)
    new = binned["spectra"].values
    alone = (new == cube["spectra"].values).all(-1)
    assert 0 < alone.sum() < 400
    assert (light[alone] * 1.05 / noise > 7).all()
    bins = np.unique(new[~alone][:, 0])
    assert 20 < len(bins) < 400
    means = np.array([clean[new[..., 0] == value].mean(0) for value in bins])
    error = np.array([new[new[..., 0] == value][0] for value in bins]) - means
    snr = means.mean(1) / np.sqrt((error**2).mean(1))
    assert 8 < np.median(snr) < 13
    assert np.percentile(snr, 10) > 6
    if with_variance:
        ratio = (error**2).mean() / np.mean([binned["variance"].values[new[..., 0] == value][0] for value in bins])
        assert 0.8 < ratio < 1.2


def test_pixels_without_data_belong_to_no_bin():
    rng = np.random.default_rng(9)
    spectra = rng.normal(3, 2, (14, 13, 30))
    spectra[:3] = np.nan
    spectra[8, 4, 7] = np.nan
    valid = np.ones((14, 13), bool)
    valid[10:] = False
    new = voronoi(make_cube(spectra, valid=valid), target=6)["spectra"].values
    assert np.isnan(new[:3]).all()
    assert np.array_equal(new[10:], spectra[10:])
    assert np.isfinite(new[3:10]).all()


@pytest.mark.parametrize(
    ("step", "arguments", "error", "message"),
    [
        (baseline, {"method": "snip"}, ParameterError, "There is no baseline 'snip'"),
        (baseline, {"lam": -1}, ParameterError, "lam is -1"),
        (baseline, {"method": "asls", "p": 0.7}, ParameterError, "p is 0.7"),
        (baseline, {"method": "rolling_ball", "width": 1}, ParameterError, "width is 1"),
        (baseline, {"method": "polynomial", "order": 99}, ParameterError, "order is 99"),
        (normalise, {"by": "norm"}, ParameterError, "by is 'norm'"),
        (normalise, {"by": "band"}, ParameterError, "A band has ends"),
        (normalise, {"low": 1e6}, AxisError, "the axis covers 0..199 index"),
        (absorbance, {"white": 0}, ParameterError, "white is 0"),
        (msc, {"reference": [1.0, 2.0]}, ParameterError, "The reference has 2 values, the cube 200"),
        (msc, {"reference": [1.0] * 200}, CubeError, "flat or no more than a slope"),
        (emsc, {"order": 0}, ParameterError, "Try msc"),
        (align, {"limit": 100}, ParameterError, "limit is 100"),
        (align, {"reference": [1.0] * 200}, CubeError, "The reference is flat"),
        (despike, {"method": "fft"}, ParameterError, "There is no way 'fft'"),
        (despike, {"threshold": "some"}, ParameterError, "threshold is some"),
        (destripe, {"how": "both"}, ParameterError, "how 'both'"),
        (destripe, {"width": 4}, ParameterError, "width is 4"),
        (voronoi, {"target": 0}, ParameterError, "target is 0"),
        (voronoi, {"low": 500}, AxisError, "the axis covers 0..199"),
    ],
)
def test_refusals(step, arguments, error, message):
    cube = make_cube(BANDS + np.random.default_rng(0).normal(0, 0.1, (6, 7, 200)))
    with pytest.raises(error, match=message):
        step(cube, **arguments)


def test_no_signal_makes_no_bins():
    with pytest.raises(CubeError, match="No pixel has any signal"):
        voronoi(make_cube(-np.random.default_rng(0).random((5, 5, 9))))


def test_a_background_is_named_only_where_narrow_bands_stand_on_it():
    from spaxel.preprocess.advice import background_advice

    rng = np.random.default_rng(10)
    bg = 5 * rng.uniform(1, 3, (12, 12, 1)) * np.exp(-(((C / 200 - 0.4) / 0.5) ** 2))
    noisy = rng.normal(0, 0.05, (12, 12, 200))
    on = make_cube(bg + BANDS * rng.uniform(0.5, 1, (12, 12, 1)) + noisy, 200 + 10 * C, "1/cm")
    assert background_advice(on) == "A smooth background holds 99% of the variance; try --step baseline."
    assert background_advice(make_cube(on["spectra"].values, 400 + C, "nm")) == ""
    assert background_advice(make_cube(bg + noisy, 200 + 10 * C, "1/cm")) == ""
    assert background_advice(make_cube(BANDS * rng.uniform(0.5, 1, (12, 12, 1)) + noisy, C, "1/cm")) == ""
    assert background_advice(spaxel.baseline(on)) == ""
