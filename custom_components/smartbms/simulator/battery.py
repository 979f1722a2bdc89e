"""A battery that lives: cells in series, what charges them and what empties them."""

from dataclasses import dataclass
from random import Random
from typing import Final

from ..model.chemistry import Chemistry
from .curves import CURVES
from .surroundings import Surroundings

_BALANCING_CURRENT: Final = 1.0
_BALANCING_WARMTH: Final = 6.0
_LONGEST_STEP: Final = 10.0
# The usual peaks are those of 16 cells; a larger pack has a larger roof and a larger house.
_USUAL_CELLS: Final = 16
# Half a milliohm is what a cell of 280 Ah has; a smaller one has more.
_RESISTANCES: Final = (0.0004, 0.0007)
_USUAL_CAPACITY: Final = 280.0
# How far the cells of a pack that has been balanced are apart at the top, as a share of the capacity.
_SPREAD: Final = 0.002

# Further below its end voltage, in V per cell, a charger gives what it has.
_NEAR_THE_END: Final = 0.25


@dataclass(slots=True)
class SimulatedCell:
    """One cell: charge and capacity in Ah, resistance in ohm, temperature in degrees Celsius."""

    charge: float
    capacity: float
    resistance: float
    temperature: float
    voltage: float = 3.3

    @property
    def state_of_charge(self) -> float:
        """State of charge, 0 to 1."""
        return self.charge / self.capacity


class Battery:
    """A pack of cells in series with a charge side and a load side.

    Positive currents charge on the charge side and discharge on the load side, in A.
    `balance_voltage`, `charge_allowed` and `load_allowed` are set by the BMS that guards it. The
    same seed lives the same life, in steps of `longest_step` seconds.
    """

    def __init__(
        self,
        cells: int = 16,
        *,
        capacity: float = 280.0,
        state_of_charge: float = 0.62,
        chemistry: Chemistry = Chemistry.LIFEPO4,
        surroundings: Surroundings | None = None,
        seed: int = 1,
    ) -> None:
        """Build a pack of cells that differ a little, as full as each other at the top."""
        self._random = random = Random(seed)
        self._curve = CURVES[chemistry]
        self.capacity = capacity
        share = cells / _USUAL_CELLS
        self.surroundings = surroundings or Surroundings(solar_peak=3000 * share, load_peak=1800 * share)
        self.longest_step = _LONGEST_STEP
        self.charge_current = 0.0
        self.load_current = 0.0
        self.balance_voltage = 3.40
        self.charge_allowed = True
        self.load_allowed = True
        self.cells = [self._cell(state_of_charge, random) for _ in range(cells)]
        self.advance(1.0)

    def _cell(self, state_of_charge: float, random: Random) -> SimulatedCell:
        missing = self.capacity * (1 - state_of_charge + random.uniform(-_SPREAD, _SPREAD))
        capacity = self.capacity * random.uniform(0.98, 1.02)
        return SimulatedCell(
            charge=capacity - missing,
            capacity=capacity,
            resistance=random.uniform(*_RESISTANCES) * _USUAL_CAPACITY / self.capacity,
            temperature=self.surroundings.temperature + random.uniform(-0.8, 1.5),
        )

    def replace_cell(self, index: int) -> None:
        """Put a new cell, as full as the others, in the place of the one at a 0-based index."""
        self.cells[index] = self._cell(self.state_of_charge, self._random)

    @property
    def voltage(self) -> float:
        """Pack voltage in V."""
        return sum([cell.voltage for cell in self.cells])

    @property
    def current(self) -> float:
        """Battery current in A, positive when charging."""
        return self.charge_current - self.load_current

    @property
    def state_of_charge(self) -> float:
        """State of charge of the pack, 0 to 1."""
        return sum(cell.charge for cell in self.cells) / sum(cell.capacity for cell in self.cells)

    @property
    def nominal_energy(self) -> float:
        """What the cells are sold as, in Wh."""
        return self.capacity * self._curve.nominal * len(self.cells)

    def advance(self, seconds: float) -> None:
        """Live for a while."""
        while seconds > 0:
            self._step(min(seconds, self.longest_step))
            seconds -= self.longest_step

    def _step(self, seconds: float) -> None:
        around, random, curve = self.surroundings, self._random, self._curve
        around.pass_time(seconds)
        hours = seconds / 3600
        self.charge_current, self.load_current = self._currents(hours)
        current = self.current
        ambient, settling = around.temperature, min(seconds / 1800, 1.0)
        for cell in self.cells:
            balancing = cell.voltage > self.balance_voltage
            cell.charge += (current - _BALANCING_CURRENT if balancing else current) * hours
            noise = random.uniform(-0.004, 0.004)
            cell.voltage = curve.at(cell.charge / cell.capacity)[0] + current * cell.resistance + noise
            warmth = current * current * cell.resistance * 0.6 + (_BALANCING_WARMTH if balancing else 0.0)
            cell.temperature += (ambient + warmth - cell.temperature) * settling

    def _currents(self, hours: float) -> tuple[float, float]:
        """Return what flows on either side: what is there, unless the BMS or an end voltage forbids it."""
        around, voltage = self.surroundings, max(self.voltage, 1.0)
        may_charge, may_discharge = self.charge_allowed, self.load_allowed
        if around.is_combined:
            may_charge = may_discharge = may_charge and may_discharge
        sources = [(around.end_voltage, around.sun(self._random) / voltage)] if may_charge else []
        if may_charge and (charger := around.charger) is not None:
            sources.append((charger.end_voltage, charger.current))
        load = around.house(self._random) / voltage if may_discharge else 0.0
        charge = 0.0
        # The highest end voltage comes first: what it has filled leaves nothing to do for the others.
        for end_voltage, current in sorted(sources, reverse=True):
            if voltage > (end_voltage - _NEAR_THE_END) * len(self.cells):
                current = min(current, max(self._limit(end_voltage, hours) + load - charge, 0.0))
            charge += current
        return charge, load

    def _limit(self, end_voltage: float, hours: float) -> float:
        """Return the battery current in A that leaves the pack at an end voltage per cell after a step."""
        open_circuit = stiffness = 0.0
        for cell in self.cells:
            voltage, slope = self._curve.at(cell.charge / cell.capacity)
            open_circuit += voltage
            stiffness += cell.resistance + slope / cell.capacity * hours
        return (end_voltage * len(self.cells) - open_circuit) / stiffness
