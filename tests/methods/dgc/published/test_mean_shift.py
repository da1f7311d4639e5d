import pytest
import torch
from torch.nn.functional import normalize

from spaxel.methods.dgc.published.mean_shift import MeanShift, mean_shift


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow(e, b, side, iterations, good):
    """The equation, pixel by pixel."""
    n, _, height, width = e.shape
    z, r = e.clone(), side // 2
    for _ in range(iterations):
        new = e.clone()
        for image in range(n):
            for y in range(height):
                for x in range(width):
                    window = [
                        e[image, :, v, u]
                        for v in range(max(0, y - r), min(height, y + r + 1))
                        for u in range(max(0, x - r), min(width, x + r + 1))
                        if good[image, v, u]
                    ]
                    if window:
                        w = [torch.exp(-(s - z[image, :, y, x]).square().sum() / (2 * b**2)) for s in window]
                        new[image, :, y, x] = sum(a * s for a, s in zip(w, window, strict=True)) / sum(w)
        z = new
    return z


def box(e, side):
    ones = torch.ones_like(e[:, :1])
    total, count = (torch.nn.functional.avg_pool2d(v, side, 1, side // 2, count_include_pad=True) for v in (e, ones))
    return total / count


@pytest.mark.parametrize(("side", "iterations", "share"), [(3, 1, 1.0), (3, 4, 1.0), (5, 2, 0.3), (5, 3, 0.05)])
def test_it_is_the_equation_also_at_borders_and_holes(side, iterations, share):
    e, good = drawn(2, 3, 6, 7), torch.rand((2, 6, 7), generator=torch.Generator().manual_seed(1)) < share
    for through in (False, True):
        found = mean_shift(e, 0.8, side, iterations, through, good)
        assert torch.allclose(found, slow(e, 0.8, side, iterations, good), atol=1e-12)


def test_a_large_bandwidth_is_the_box_mean_and_a_small_one_the_identity():
    e = drawn(2, 4, 9, 8)
    assert torch.allclose(mean_shift(e, 1e6), box(e, 5), atol=1e-9)
    assert torch.allclose(mean_shift(e, 1e-3), e, atol=1e-9)


def test_borders_that_the_box_mean_blurs_stay_sharp_while_noise_is_averaged():
    e = torch.zeros((1, 4, 8, 12), dtype=torch.float64)
    e[:, 0, :, :6] = e[:, 1, :, 6:] = 1
    noisy = normalize(e + 0.05 * drawn(*e.shape), dim=1)
    shifted, blurred = normalize(mean_shift(noisy, 0.3), dim=1), normalize(box(noisy, 5), dim=1)
    error, blur, before = ((v - e).norm(dim=1)[..., 4:8].mean() for v in (shifted, blurred, noisy))
    assert error < before / 2
    assert blur > 5 * error


@pytest.mark.parametrize(("iterations", "through"), [(1, False), (3, False), (3, True)])
def test_the_gradient_reaches_bandwidth_and_sources(iterations, through):
    shift = MeanShift(3, iterations, 0.9, through).double()
    e = drawn(1, 3, 4, 5).requires_grad_()
    good = torch.ones((1, 4, 5), dtype=torch.bool)
    good[0, :3, :3] = False  # pixels without any good neighbour among them
    (shift(e, good) * drawn(1, 3, 4, 5, seed=2)).sum().backward()
    assert shift.raw.grad.abs() > 1e-3
    assert torch.isfinite(e.grad).all()
    if through:
        assert torch.autograd.gradcheck(lambda v, _: shift(v, good), (e, shift.raw))


def test_the_gradient_through_all_iterations_is_another_one():
    gradients = []
    for through in (False, True):
        shift = MeanShift(3, 4, 0.9, through).double()
        shift(drawn(1, 3, 4, 5)).square().sum().backward()
        gradients.append(float(shift.raw.grad))
    assert abs(gradients[0] - gradients[1]) > 1e-3 * abs(gradients[1])


def test_the_start_has_the_bandwidth_that_was_asked_for():
    assert MeanShift(bandwidth=0.37).bandwidth.item() == pytest.approx(0.37)
