"""Least squares that forget: two slopes of noisy pairs, and how sure they are."""

from math import inf, sqrt
from typing import NamedTuple

# Regressors that move together this nearly cannot be told apart.
_COLLINEAR = 1e-6


class Slope(NamedTuple):
    """A slope and its standard error."""

    value: float
    error: float

    @property
    def t(self) -> float:
        """How many standard errors it is away from zero, with its sign."""
        if self.error > 0:
            return self.value / self.error
        return inf if self.value > 0 else -inf if self.value < 0 else 0.0


class Fit(NamedTuple):
    """The sums of `y = first * x1 + second * x2`; `weight` is how many pairs are still remembered."""

    weight: float = 0.0
    s11: float = 0.0
    s12: float = 0.0
    s22: float = 0.0
    s1y: float = 0.0
    s2y: float = 0.0
    syy: float = 0.0

    def add(self, x1: float, x2: float, y: float, *, keep: float, variance: float = 0.0) -> Fit:
        """Return the fit with one more; of the others the share `keep` (0 to 1) is kept.

        `variance` is what `y` may be wrong by in any case, such as by its resolution.
        """
        return Fit(
            self.weight * keep + 1,
            self.s11 * keep + x1 * x1,
            self.s12 * keep + x1 * x2,
            self.s22 * keep + x2 * x2,
            self.s1y * keep + x1 * y,
            self.s2y * keep + x2 * y,
            self.syy * keep + y * y + variance,
        )

    @property
    def first(self) -> Slope | None:
        """The slope along `x1`; `None` while it cannot be told."""
        return _slope(self)

    @property
    def second(self) -> Slope | None:
        """The slope along `x2`; `None` while it cannot be told."""
        return _slope(Fit(self.weight, self.s22, self.s12, self.s11, self.s2y, self.s1y, self.syy))


def _slope(fit: Fit) -> Slope | None:
    """Return the slope along `x1`; without any `x2` there is but one."""
    if fit.s11 <= 0 or fit.s22 < 0:
        return None
    if fit.s22 == 0:
        parameters, inverse = 1, 1 / fit.s11
        value = fit.s1y / fit.s11
        explained = value * fit.s1y
    else:
        determinant = fit.s11 * fit.s22 - fit.s12 * fit.s12
        if determinant <= _COLLINEAR * fit.s11 * fit.s22:
            return None
        parameters, inverse = 2, fit.s22 / determinant
        value = (fit.s1y * fit.s22 - fit.s2y * fit.s12) / determinant
        other = (fit.s2y * fit.s11 - fit.s1y * fit.s12) / determinant
        explained = value * fit.s1y + other * fit.s2y
    freedom = fit.weight - parameters
    if freedom <= 0:
        return None
    return Slope(value, sqrt(max(fit.syy - explained, 0.0) / freedom * inverse))
