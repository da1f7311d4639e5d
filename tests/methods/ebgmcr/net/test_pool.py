import numpy as np
import pytest
import torch

from spaxel.methods.ebgmcr.laws import AGGREGATES
from spaxel.methods.ebgmcr.net.objective import Energy, plateau, shuffled_batches
from spaxel.methods.ebgmcr.net.pool import Form, ambiguity, concrete, random_pool, temperature, warm_pool
from spaxel.synth.mixture import mixture
from spaxel.training.plan import Step


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def table(k=8, db=30, **options):
    cube = mixture(n_components=k, snr_db=db, n_channels=64, per_component=10, seed=5, **options)
    X = cube["spectra"].values[:, 0]
    norm = np.linalg.norm(X, axis=1, keepdims=True)
    S = cube["truth_spectra"].values
    tensors = [torch.tensor(a, dtype=torch.float32) for a in (X, norm * 10 ** (-db / 20) / 8)]
    return *tensors, cube["truth_abundances"].values[:, 0], S


def test_a_gate_is_open_as_often_as_its_logit_says():
    logit = torch.tensor([-3.0, -1, 0, 1, 3]).expand(20_000, 5)
    for tau in (1.0, 0.1):
        opened = concrete(logit, tau, chance())
        assert set(opened.unique().tolist()) == {0, 1}
        torch.testing.assert_close(opened.mean(0), torch.sigmoid(logit[0]), atol=0.015, rtol=0)
    assert concrete(logit[0], 1.0, None).tolist() == [0, 0, 0, 1, 1]
    soft = concrete(logit, 0.5, chance(), straight=False)
    assert ((soft > 0) & (soft < 1)).any()


def test_a_hard_gate_has_the_gradient_of_the_soft_one():
    grads = []
    for straight in (True, False):
        logit = torch.linspace(-2, 2, 9, requires_grad=True)
        concrete(logit, 0.7, chance(), straight=straight).sum().backward()
        grads.append(logit.grad)
    torch.testing.assert_close(*grads)
    assert (grads[0] > 0).all()


def test_a_warm_pool_decodes_at_once():
    x, sigma, C, S = table()
    pool = warm_pool(S, spare=4)
    codes = pool(x, sigma)
    gate = codes.gate.numpy().astype(bool)
    assert not gate[:, 8:].any()
    assert (gate[:, :8] == (C > 0)).mean() > 0.99
    rebuilt = (codes.amounts * codes.gate) @ pool.spectra()
    assert ((x - rebuilt) ** 2).sum() / (x**2).sum() < 0.01
    assert torch.equal(codes.gate, pool(x, sigma).gate)


def test_gates_follow_the_noise():
    x, sigma, *_ = table()
    pool = warm_pool(table()[3])
    number = [pool(x, f * sigma).gate.sum().item() for f in (1, 10, 100)]
    assert number[0] > number[1] > number[2]


def test_spectra_have_norm_one_and_the_right_sign():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(5, 40))
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    for signed in (False, True):
        s = warm_pool(raw, Form(signed=signed)).spectra()
        torch.testing.assert_close(s.norm(dim=1), torch.ones(13))
        assert (s < 0).any() == signed
    torch.testing.assert_close(random_pool(20, 40).spectra().norm(dim=1), torch.ones(20))


def test_known_spectra_stay_and_smoothing_acts_in_training():
    S = table()[3]
    kernel = torch.tensor(np.full((64, 64), 1 / 64), dtype=torch.float32)
    pool = warm_pool(S, Form(known=2, smoothing=lambda v: v @ kernel))
    s = pool.spectra()
    torch.testing.assert_close(s[:2], torch.tensor(S[:2], dtype=torch.float32))
    assert s[2:].std(1).max() < 1e-6
    (s * torch.arange(64)).sum().backward()
    assert (pool.raw.grad[:2] == 0).all()
    x, sigma, *_ = table()
    energy = Energy(warm_pool(S, Form(smoothing=lambda v: v @ kernel)), AGGREGATES["linear"], k=8, n=80)
    bare = Energy(warm_pool(S), AGGREGATES["linear"], k=8, n=80)
    assert energy((x, sigma)).parts["fit"] > 2 * bare((x, sigma)).parts["fit"]


def test_a_sparse_pool_has_exact_zeros_and_pays_for_channels():
    S = table(spectra="mass")[3]
    pool = warm_pool(S, Form(sparse=True))
    with torch.no_grad():
        pool.mask_logit[:8] = torch.where(torch.tensor(S) > 0, 3.0, -3.0)
    hard = pool.spectra()[:8].detach().numpy()
    assert ((hard == 0) == (S == 0)).all()
    np.testing.assert_allclose(np.linalg.norm(hard, axis=1), 1, rtol=1e-5)
    assert (pool.spectra(1.0, chance())[:8].detach().numpy() != hard).any()
    pool.usage_of_channels().backward()
    assert (pool.mask_logit.grad > 0).all()


def test_channels_of_known_spectra_cost_nothing():
    S = table(spectra="mass")[3]
    pool = warm_pool(S, Form(sparse=True, known=2))
    with torch.no_grad():
        pool.mask_logit[:] = 0.0
    usage = float(pool.usage_of_channels().detach())
    assert usage == pytest.approx(0.5 * (len(pool.raw) - 2) * 64)
    with torch.no_grad():
        pool.mask_logit[:2] = 9.0
    assert float(pool.usage_of_channels().detach()) == usage
    pool.usage_of_channels().backward()
    assert (pool.mask_logit.grad[:2] == 0).all()


def test_ambiguity_is_worst_for_twins():
    apart, twins = torch.eye(3), torch.tensor([[1.0, 0, 0]] * 3)
    one = torch.ones(3)
    assert ambiguity(twins, one) == pytest.approx(1)
    assert ambiguity(apart, one) == pytest.approx(np.exp(-1))
    unused = torch.tensor([1.0, 0.0, 0.0])
    assert ambiguity(twins, unused) < 1e-6
    s = torch.tensor([[1.0, 0.1], [1.0, -0.1]], requires_grad=True)
    ambiguity(torch.nn.functional.normalize(s, dim=1), torch.ones(2)).backward()
    assert s.grad[0, 1] < 0 < s.grad[1, 1]


def test_the_price_of_a_wrong_model_is_higher():
    x, sigma, _, S = table()
    right = Energy(warm_pool(S), AGGREGATES["linear"], k=8, n=80)((x, sigma))
    fewer = Energy(warm_pool(S[:7]), AGGREGATES["linear"], k=8, n=80)((x, sigma))
    assert right.parts["fit"] == pytest.approx(32, rel=0.25)  # half the channels: the noise and no more
    assert fewer.total > right.total + 50


def test_chance_enters_in_training_alone():
    x, sigma, _, S = table()
    energy = Energy(warm_pool(S), AGGREGATES["linear"], k=8, n=80)
    step = lambda seed: Step(0, 10, 0, chance(seed))  # noqa: E731
    first, again, other = (energy((x, sigma), step(s)).total.item() for s in (1, 1, 2))
    assert first == again != other
    assert energy((x, sigma)).total.item() == energy((x, sigma)).total.item()


def test_schedules():
    assert temperature(0, 100) == 1
    assert temperature(50, 100) == temperature(99, 100) == pytest.approx(0.3)
    values = [temperature(e, 100) for e in range(50)]
    assert (np.diff(values) < 0).all()
    stop = plateau(3)
    falling = [{"score": 10 - 0.1 * i} for i in range(8)]
    assert not stop(falling)
    assert stop([*falling, *[{"score": 9.3}] * 3])


def test_batches_hold_every_sample_once():
    X = np.arange(20.0)[:, None] * np.ones(3)
    batches = shuffled_batches(X, np.ones(20), 6, seed=1)
    seen = [torch.cat([x for x, _ in batches(epoch)])[:, 0].tolist() for epoch in (0, 0, 1)]
    assert sorted(seen[0]) == list(range(20))
    assert seen[0] == seen[1] != seen[2]
