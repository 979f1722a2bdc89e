"""Open-circuit voltage of a cell over its state of charge, for every chemistry the manuals name.

The curves are ours, drawn so that the thresholds of the manuals make sense on them: the balance
voltage is reached when hardly anything is missing, V min when hardly anything is left, V max beyond
full (protocol.md 11.1).
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from ..model.chemistry import Chemistry

type Points = tuple[tuple[float, float], ...]


class Curve:
    """A voltage in V over a state of charge, 0 to 1 and a little beyond, straight between points.

    `nominal` is the voltage by which the capacity in Wh is reckoned, 3.2 V for LiFePO4 (MAN6).
    """

    def __init__(self, nominal: float, points: Points) -> None:
        """Take at least two points, states of charge rising."""
        self.nominal = nominal
        self._starts = [start for start, _ in points]
        self._voltages = [voltage for _, voltage in points]
        rising = [(high - low) / (right - left) for (left, low), (right, high) in pairwise(points)]
        self._slopes = [*rising, 0.0]

    def at(self, state_of_charge: float) -> tuple[float, float]:
        """Return the voltage, and by how much it rises with the state of charge; flat beyond the ends."""
        index = bisect_right(self._starts, state_of_charge) - 1
        if index < 0:
            return self._voltages[0], 0.0
        slope = self._slopes[index]
        return self._voltages[index] + slope * (state_of_charge - self._starts[index]), slope


# LiFePO4 is flat, with a knee at both ends; the others climb all the way.
CURVES: Final[Mapping[Chemistry, Curve]] = MappingProxyType(
    {
        Chemistry.LIFEPO4: Curve(
            3.2,
            (
                (-0.02, 2.00),
                (0.00, 2.80),
                (0.05, 3.10),
                (0.10, 3.20),
                (0.30, 3.27),
                (0.60, 3.30),
                (0.90, 3.34),
                (0.98, 3.38),
                (0.99, 3.42),
                (1.00, 3.50),
                (1.01, 3.80),
            ),
        ),
        Chemistry.LTO: Curve(
            2.3,
            (
                (-0.02, 1.60),
                (0.00, 2.10),
                (0.05, 2.18),
                (0.30, 2.25),
                (0.60, 2.32),
                (0.90, 2.45),
                (0.98, 2.58),
                (1.00, 2.64),
                (1.02, 2.90),
            ),
        ),
        Chemistry.NMC: Curve(
            3.7,
            (
                (-0.02, 3.00),
                (0.00, 3.40),
                (0.05, 3.52),
                (0.30, 3.62),
                (0.50, 3.70),
                (0.80, 3.88),
                (0.98, 3.99),
                (1.00, 4.02),
                (1.10, 4.25),
            ),
        ),
        Chemistry.NCA: Curve(
            3.7,
            (
                (-0.02, 2.90),
                (0.00, 3.35),
                (0.05, 3.42),
                (0.30, 3.58),
                (0.50, 3.68),
                (0.80, 3.87),
                (0.98, 3.99),
                (1.00, 4.02),
                (1.10, 4.25),
            ),
        ),
        Chemistry.LI_ION: Curve(
            3.7,
            (
                (-0.02, 2.90),
                (0.00, 3.35),
                (0.05, 3.48),
                (0.30, 3.62),
                (0.50, 3.72),
                (0.80, 3.95),
                (0.98, 4.09),
                (1.00, 4.12),
                (1.10, 4.30),
            ),
        ),
    }
)
