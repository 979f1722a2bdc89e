"""Named days to live through: what is wrong in each, and what an owner does about it.

A scenario is a battery in its surroundings, the sensors on it, and what the BMS believes. Each works
with any number of cells; what has to happen soon happens within half an hour of simulated time, so
that at a speed of 60 and more nobody waits long.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .battery import Battery
from .firmware import Firmware
from .sensors import CurrentSensor, Sensors
from .surroundings import Charger, Surroundings

_HOUR: Final = 3600.0
_CAPACITY: Final = 280.0
_CELL_VOLTAGE: Final = 3.3
# Long enough to be missed, short enough to wait for; by the clock of whoever watches, in s.
_WITHOUT_POWER: Final = 10.0


class ScenarioKey(StrEnum):
    """The scenarios by name."""

    SOLAR_DAY = "solar_day"
    CHARGER_TOO_HIGH = "charger_too_high"
    WEAK_CELL = "weak_cell"
    FROSTY_MORNING = "frosty_morning"
    CHAIN_BROKEN = "chain_broken"
    COMBINED_INVERTER = "combined_inverter"
    REVERSED_SENSOR = "reversed_sensor"
    NEVER_CALIBRATED = "never_calibrated"
    POWER_LOST = "power_lost"


def _nothing(_: Firmware) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One day.

    `battery` builds the pack of a number of cells in its surroundings, `sensors` what measures it;
    the BMS believes in a state of charge of `believed`, 0 to 1, or in the true one. `happens` is
    what else goes wrong, `remedy` what takes the cause away.
    """

    key: ScenarioKey
    battery: Callable[[int], Battery]
    sensors: Callable[[], Sensors] = Sensors
    believed: float | None = None
    is_calibrated: bool = True
    happens: Callable[[Firmware], None] = _nothing
    remedy: Callable[[Firmware], None] = _nothing

    def begin(self, firmware: Firmware, /) -> None:
        """Put a simulated BMS into it, whatever it went through before; its log stays."""
        battery = self.battery(len(firmware.battery.cells))
        battery.balance_voltage = firmware.battery.balance_voltage
        firmware.power_on()
        firmware.install(
            battery, self.sensors(), state_of_charge=self.believed, is_calibrated=self.is_calibrated
        )
        self.happens(firmware)

    def cure(self, firmware: Firmware, /) -> None:
        """Do what its owner would do."""
        self.remedy(firmware)


def _watts(cells: int, rate: float, capacity: float = _CAPACITY) -> float:
    """Return the power in W that fills or empties a pack at a rate, 1 being an hour for all of it."""
    return cells * _CELL_VOLTAGE * capacity * rate


def _charge_from_the_mains(firmware: Firmware) -> None:
    """Charge the pack until it is full."""
    firmware.power_on()
    battery = firmware.battery
    battery.surroundings.charger = Charger(current=battery.capacity / 4)


# Sun that fills the pack, and an evening that empties it.


def _nearly_full(cells: int) -> Battery:
    return Battery(
        cells,
        state_of_charge=0.93,
        surroundings=Surroundings(
            solar_peak=_watts(cells, 0.2), load_peak=_watts(cells, 0.12), swing=3.0, time_of_day=10.5 * _HOUR
        ),
    )


def _evening(firmware: Firmware) -> None:
    around = firmware.battery.surroundings
    around.time_of_day = 18 * _HOUR
    around.hob = 1.0


# A charger whose end voltage is too high for cells that are not balanced.

# Small enough for an ampere of balancing to matter within hours.
_SMALL_CAPACITY: Final = 100.0
_NEARLY_FULL: Final = 0.993
_AHEAD: Final = 0.006
_BEHIND: Final = 0.021
_WEAK_CHARGER: Final = 0.1 * _SMALL_CAPACITY


def _unbalanced(cells: int) -> Battery:
    """Return a pack whose second cell is ahead of the others and whose first one is behind."""
    battery = Battery(
        cells,
        capacity=_SMALL_CAPACITY,
        state_of_charge=_NEARLY_FULL,
        surroundings=Surroundings(
            solar_peak=0.0,
            load_peak=_watts(cells, 0.3, _SMALL_CAPACITY),
            charger=Charger(current=_WEAK_CHARGER, end_voltage=3.6),
        ),
    )
    for index, offset in ((0, -_BEHIND), (1, _AHEAD)):
        cell = battery.cells[index]
        cell.charge = cell.capacity - _SMALL_CAPACITY * (1 - _NEARLY_FULL - offset)
    return battery


def _lower_the_charger(firmware: Firmware) -> None:
    firmware.battery.surroundings.charger = Charger(current=_WEAK_CHARGER)


# A cell that has aged.


def _aged(cells: int) -> Battery:
    battery = Battery(
        cells,
        surroundings=Surroundings(
            solar_peak=_watts(cells, 0.35),
            load_peak=_watts(cells, 0.5),
            hob=0.75,
            time_of_day=11 * _HOUR,
        ),
    )
    cell = battery.cells[_aged_cell(cells)]
    cell.capacity *= 0.8
    cell.charge *= 0.8
    cell.resistance *= 3
    return battery


def _aged_cell(cells: int) -> int:
    """Return the index of cell 5, in a shorter pack of the last one."""
    return min(4, cells - 1)


def _replace_the_cell(firmware: Firmware) -> None:
    firmware.battery.replace_cell(_aged_cell(len(firmware.battery.cells)))


# Frost in the box while the sun is up.


def _frozen(cells: int) -> Battery:
    return Battery(
        cells,
        state_of_charge=0.4,
        surroundings=Surroundings(
            solar_peak=_watts(cells, 0.2),
            load_peak=_watts(cells, 0.12),
            ambient=-1.0,
            swing=4.0,
            time_of_day=7.5 * _HOUR,
        ),
    )


def _warm_the_box(firmware: Firmware) -> None:
    firmware.battery.surroundings.ambient = 14.0


# A wire that has come off between two cell boards.


def _break_the_chain(firmware: Firmware) -> None:
    firmware.chain_broken = True
    firmware.pass_time(0.0)


def _repair_the_chain(firmware: Firmware) -> None:
    firmware.chain_broken = False


# One device that charges and discharges, in normal mode.


def _combined(cells: int) -> Battery:
    return Battery(
        cells,
        state_of_charge=0.96,
        surroundings=Surroundings(
            solar_peak=_watts(cells, 0.35),
            load_peak=_watts(cells, 0.12),
            is_combined=True,
            time_of_day=10.5 * _HOUR,
        ),
    )


# A sensor the wrong way round.


def _busy(cells: int) -> Battery:
    return Battery(
        cells,
        state_of_charge=0.5,
        surroundings=Surroundings(
            solar_peak=_watts(cells, 0.2), load_peak=_watts(cells, 0.25), hob=0.6, time_of_day=11 * _HOUR
        ),
    )


def _reversed_load() -> Sensors:
    return Sensors(load=CurrentSensor(is_reversed=True))


def _turn_the_sensor(firmware: Firmware) -> None:
    firmware.sensors = Sensors()


# A state of charge that nobody can be sure of.


def _cloudy(cells: int) -> Battery:
    return Battery(
        cells,
        state_of_charge=0.94,
        surroundings=Surroundings(solar_peak=0.0, load_peak=_watts(cells, 0.12)),
    )


def _lose_power(firmware: Firmware) -> None:
    firmware.power_off(_WITHOUT_POWER)


SCENARIOS: Final[Mapping[ScenarioKey, Scenario]] = MappingProxyType(
    {
        scenario.key: scenario
        for scenario in (
            Scenario(key=ScenarioKey.SOLAR_DAY, battery=_nearly_full, remedy=_evening),
            Scenario(
                key=ScenarioKey.CHARGER_TOO_HIGH,
                battery=_unbalanced,
                believed=0.945,
                remedy=_lower_the_charger,
            ),
            Scenario(key=ScenarioKey.WEAK_CELL, battery=_aged, remedy=_replace_the_cell),
            Scenario(key=ScenarioKey.FROSTY_MORNING, battery=_frozen, remedy=_warm_the_box),
            Scenario(
                key=ScenarioKey.CHAIN_BROKEN,
                battery=Battery,
                happens=_break_the_chain,
                remedy=_repair_the_chain,
            ),
            Scenario(
                key=ScenarioKey.COMBINED_INVERTER,
                battery=_combined,
                sensors=lambda: Sensors(load=None),
                remedy=lambda firmware: firmware.set_critical(True),
            ),
            Scenario(
                key=ScenarioKey.REVERSED_SENSOR,
                battery=_busy,
                sensors=_reversed_load,
                remedy=_turn_the_sensor,
            ),
            Scenario(
                key=ScenarioKey.NEVER_CALIBRATED,
                battery=_cloudy,
                believed=0.4,
                is_calibrated=False,
                remedy=_charge_from_the_mains,
            ),
            Scenario(
                key=ScenarioKey.POWER_LOST,
                battery=_cloudy,
                happens=_lose_power,
                remedy=_charge_from_the_mains,
            ),
        )
    }
)
