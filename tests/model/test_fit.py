"""Slopes of noisy pairs, and how sure they are."""

from math import inf
from random import Random

import pytest

from custom_components.smartbms.model.fit import Fit, Slope


def test_two_exact_slopes() -> None:
    """Two times the first less three times the second, without any error."""
    fit = Fit()
    for x1, x2 in ((1, 0), (0, 1), (1, 1), (2, -1)):
        fit = fit.add(x1, x2, 2 * x1 - 3 * x2, keep=1)
    first, second = fit.first, fit.second
    assert first is not None
    assert second is not None
    assert (first.value, second.value) == pytest.approx((2, -3))
    assert (first.error, second.error) == pytest.approx((0, 0), abs=1e-6)


def test_one_slope() -> None:
    """With a single regressor there is no second slope."""
    fit = Fit().add(1, 0, 2, keep=1).add(2, 0, 4, keep=1)
    assert fit.first == Slope(2, 0)
    assert fit.second is None


def test_the_error_of_a_mean() -> None:
    """Against a constant the slope is the mean: of 1, 2, 3, 4 it is 2.5 and wrong by 0.6455."""
    fit = Fit()
    for y in (1, 2, 3, 4):
        fit = fit.add(1, 0, y, keep=1)
    assert fit.first == pytest.approx((2.5, 0.6454972))


def test_a_known_variance() -> None:
    """What y may be wrong by in any case makes the slope less sure."""
    fit = Fit().add(1, 0, 2, keep=1, variance=0.01).add(1, 0, 2, keep=1, variance=0.01)
    assert fit.first == pytest.approx((2, 0.1))


@pytest.mark.parametrize(
    "fit",
    [
        Fit(),
        Fit().add(1, 0, 2, keep=1),
        Fit().add(1, 1, 2, keep=1).add(2, 2, 4, keep=1).add(3, 3, 6, keep=1),
        Fit(5, -1, 0, 1, 1, 1, 1),
        Fit(5, 1, 0, -1, 1, 1, 1),
    ],
)
def test_slopes_that_cannot_be_told(fit: Fit) -> None:
    """Nothing, too little, two that always move together, and sums that no pairs have."""
    assert fit.first is None


def test_it_forgets() -> None:
    """After 20 pairs of another kind, each leaving 80 %, 1 % of the old slope is left."""
    random, fit = Random(1), Fit()
    for slope, pairs in ((5, 100), (-1, 20)):
        for _ in range(pairs):
            x = random.uniform(-1, 1)
            fit = fit.add(x, 0, slope * x, keep=0.8)
    assert fit.first is not None
    assert fit.first.value == pytest.approx(-1, abs=0.2)
    assert fit.weight == pytest.approx(5)


def test_how_many_errors_from_zero() -> None:
    """With its sign; without any error it is as far as can be."""
    assert Slope(3, 0.5).t == 6
    assert Slope(-3, 0.5).t == -6
    assert [Slope(value, 0).t for value in (3, -3, 0)] == [inf, -inf, 0]
