"""A battery that lives: cells, the sun that charges it and the house that empties it."""

from dataclasses import dataclass
from itertools import pairwise
from math import pi, sin
from random import Random
from typing import Final

# Open-circuit voltage of a LiFePO4 cell over its state of charge: flat, with a knee at both ends.
_OPEN_CIRCUIT: Final = (
    (-0.02, 2.00),
    (0.00, 2.80),
    (0.05, 3.10),
    (0.10, 3.20),
    (0.30, 3.27),
    (0.60, 3.30),
    (0.90, 3.34),
    (0.97, 3.38),
    (1.00, 3.50),
    (1.02, 3.80),
)
_BALANCING_CURRENT: Final = 1.0
_LONGEST_STEP: Final = 10.0
_MOST_STEPS: Final = 360
_DAY: Final = 86400.0
_AMBIENT: Final = 19.0


def open_circuit_voltage(state_of_charge: float) -> float:
    """Return the rest voltage in V of a cell at a state of charge (0 to 1, a little beyond)."""
    state_of_charge = min(max(state_of_charge, _OPEN_CIRCUIT[0][0]), _OPEN_CIRCUIT[-1][0])
    (left, low), (right, high) = next(
        pair for pair in pairwise(_OPEN_CIRCUIT) if state_of_charge <= pair[1][0]
    )
    return low + (high - low) * (state_of_charge - left) / (right - left)


@dataclass(slots=True)
class SimulatedCell:
    """One cell: charge in Ah, resistance in ohm, temperature in degrees Celsius."""

    charge: float
    capacity: float
    resistance: float
    temperature: float
    voltage: float = 3.3

    @property
    def state_of_charge(self) -> float:
        """State of charge, 0 to 1."""
        return self.charge / self.capacity


@dataclass(slots=True)
class Energies:
    """Energies in Wh: from the sun, to the house, into the battery and out of it."""

    collected: float = 0.0
    consumed: float = 0.0
    charged: float = 0.0
    discharged: float = 0.0

    def add(self, collected: float, consumed: float) -> None:
        """Add what a moment collected and consumed; the battery takes or gives the difference."""
        self.collected += collected
        self.consumed += consumed
        self.charged += max(collected - consumed, 0.0)
        self.discharged += max(consumed - collected, 0.0)


class Battery:
    """A pack of cells in series with a charge side and a load side.

    Positive currents charge on the charge side and discharge on the load side, in A; `power` limits
    are the peaks of sun and house in W. `balance_voltage`, `charge_allowed` and `load_allowed` are
    set by the BMS that guards it. The same seed lives the same life.
    """

    def __init__(
        self,
        cells: int = 16,
        *,
        capacity: float = 280.0,
        state_of_charge: float = 0.62,
        solar_peak: float = 3000.0,
        load_peak: float = 1800.0,
        seed: int = 1,
    ) -> None:
        """Build a pack of cells that differ a little, at half past nine in the morning."""
        self._random = Random(seed)
        self.capacity = capacity
        self.solar_peak = solar_peak
        self.load_peak = load_peak
        self.time_of_day = 9.5 * 3600
        self.charge_current = 0.0
        self.load_current = 0.0
        self.balance_voltage = 3.40
        self.charge_allowed = True
        self.load_allowed = True
        self.total = Energies()
        self.today = Energies()
        self.cells = [
            SimulatedCell(
                charge=capacity * (state_of_charge + self._random.uniform(-0.01, 0.01)),
                capacity=capacity * self._random.uniform(0.98, 1.02),
                resistance=self._random.uniform(0.0004, 0.0007),
                temperature=_AMBIENT + self._random.uniform(-0.8, 1.5),
            )
            for _ in range(cells)
        ]
        self.advance(1.0)

    @property
    def voltage(self) -> float:
        """Pack voltage in V."""
        return sum(cell.voltage for cell in self.cells)

    @property
    def current(self) -> float:
        """Battery current in A, positive when charging."""
        return self.charge_current - self.load_current

    @property
    def state_of_charge(self) -> float:
        """State of charge of the pack, 0 to 1."""
        return sum(cell.charge for cell in self.cells) / sum(cell.capacity for cell in self.cells)

    def advance(self, seconds: float) -> None:
        """Live for a while, in steps of ten seconds; a long absence must not stop the event loop."""
        longest = max(_LONGEST_STEP, seconds / _MOST_STEPS)
        while seconds > 0:
            step = min(seconds, longest)
            self._step(step)
            seconds -= step

    def _step(self, seconds: float) -> None:
        self.time_of_day += seconds
        if self.time_of_day >= _DAY:
            self.time_of_day -= _DAY
            self.today = Energies()
        voltage = max(self.voltage, 1.0)
        self.charge_current = self._sun() / voltage if self.charge_allowed else 0.0
        self.load_current = self._house() / voltage if self.load_allowed else 0.0
        current = self.current
        hours = seconds / 3600
        for cell in self.cells:
            balancing = _BALANCING_CURRENT if cell.voltage > self.balance_voltage else 0.0
            cell.charge += (current - balancing) * hours
            cell.voltage = (
                open_circuit_voltage(cell.state_of_charge)
                + current * cell.resistance
                + self._random.uniform(-0.004, 0.004)
            )
            warmth = current * current * cell.resistance * 0.6 + (6.0 if balancing else 0.0)
            settling = min(seconds / 1800, 1.0)
            cell.temperature += (_AMBIENT + warmth - cell.temperature) * settling
        for energies in (self.total, self.today):
            energies.add(
                collected=voltage * self.charge_current * hours,
                consumed=voltage * self.load_current * hours,
            )

    def _sun(self) -> float:
        """Sun in W: a bow from six to eighteen o'clock, with passing clouds."""
        height = sin((self.time_of_day / 3600 - 6) / 12 * pi)
        clouds = 0.75 + 0.2 * sin(self.time_of_day / 47) + self._random.uniform(-0.05, 0.05)
        return self.solar_peak * max(height, 0.0) * clouds

    def _house(self) -> float:
        """Load in W: a base, a refrigerator that comes and goes, and something large now and then."""
        base = 0.08 + self._random.uniform(0.0, 0.02)
        refrigerator = 0.07 if self.time_of_day % 1500 < 600 else 0.0
        kettle = 0.8 if self.time_of_day % 4000 < 150 else 0.0
        return self.load_peak * (base + refrigerator + kettle)
