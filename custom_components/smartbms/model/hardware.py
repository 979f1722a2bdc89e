"""Option switches and current sensors: settings <-> switch positions, and what a sensor can do.

Tables of the manuals (protocol.md 11.2 and 11.3). Switches are numbered from 1; position 0 of a
tuple is switch 1, and `True` is ON. What a table does not list is `None`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ..bms.settings import SettingKey
from .profiles import ProfileKey

type Switches = tuple[bool, ...]


def _bits(code: int, count: int) -> Switches:
    """Return a code as switches, the first being its highest bit."""
    return tuple(bool(code >> shift & 1) for shift in reversed(range(count)))


def _code(switches: Switches) -> int:
    """Return switches as a code; the inverse of `_bits`."""
    code = 0
    for is_on in switches:
        code = code << 1 | is_on
    return code


# Generation 2, IN board. Switches 2, 6 and 7 make the bypass voltage in V.
_BYPASS_VOLTAGES: Final = (3.4, 3.5, 3.6, 3.7, 4.0, 4.1, 4.2, 4.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class InBoard:
    """The option switches 1 to 7 of the IN board in everyday use (MAN2).

    Messages go round every 0.5 s when fast, else every 1 s; critical mode came with version 1.5.
    Switch 8 stores the hidden settings and stays off.
    """

    bypass_voltage: float
    fast_messages: bool = False
    deadband: bool = False
    auto_zero: bool = False
    critical_mode: bool = False

    @classmethod
    def of(cls, switches: Switches) -> InBoard:
        """Return what seven switches say."""
        fast, second, deadband, auto_zero, critical, sixth, seventh = switches
        return cls(
            bypass_voltage=_BYPASS_VOLTAGES[_code((second, sixth, seventh))],
            fast_messages=fast,
            deadband=deadband,
            auto_zero=auto_zero,
            critical_mode=critical,
        )

    @property
    def switches(self) -> Switches | None:
        """The seven switches; `None` for a bypass voltage that cannot be set."""
        if self.bypass_voltage not in _BYPASS_VOLTAGES:
            return None
        second, sixth, seventh = _bits(_BYPASS_VOLTAGES.index(self.bypass_voltage), 3)
        return (
            self.fast_messages,
            second,
            self.deadband,
            self.auto_zero,
            self.critical_mode,
            sixth,
            seventh,
        )


# Generation 2, hidden factory settings: current sensor in A, highest number of cells.
_HIDDEN_SENSORS: Final = (25, 50, 100, 250, 400, 500, 1000, 2000)
_HIDDEN_CELLS: Final = (4, 8, 12, 16, 20, 24, 28, 32, 48, 64, 80, 96, 128, 156, 204, 255)


@dataclass(frozen=True, slots=True)
class HiddenSettings:
    """What the switches 1 to 7 of the IN board store while switch 8 is toggled (MAN2).

    Sensors of 1000 A and 2000 A need version 1.4. A number of cells that is not in the list is set
    as the next higher one.
    """

    sensor: int
    cells: int

    @classmethod
    def of(cls, switches: Switches) -> HiddenSettings:
        """Return what seven switches store."""
        return cls(_HIDDEN_SENSORS[_code(switches[:3])], _HIDDEN_CELLS[_code(switches[3:])])

    @property
    def switches(self) -> Switches | None:
        """The seven switches; `None` for a sensor or a number of cells that cannot be set."""
        index = next((index for index, most in enumerate(_HIDDEN_CELLS) if 2 <= self.cells <= most), None)
        if index is None or self.sensor not in _HIDDEN_SENSORS:
            return None
        return (*_bits(_HIDDEN_SENSORS.index(self.sensor), 3), *_bits(index, 4))


# Generation 3, Begin Board: the highest number of cells of each range, which begins after the last.
_MOST_CELLS: Final = (4, 8, 16, 25, 40, 80, 150, 255)
_FEWEST_CELLS: Final = 2
_BALANCE_CODES: Final = range(1, 32)


@dataclass(frozen=True, slots=True)
class BeginBoard:
    """The option switches 1 to 8 of the Begin Board (MANG, MAN6, MAN13).

    A range of cell numbers, and the balance voltage in V, `None` for no balancing.
    """

    fewest_cells: int
    most_cells: int
    balance_voltage: float | None

    @classmethod
    def of(cls, switches: Switches) -> BeginBoard:
        """Return what eight switches say."""
        index, code = _code(switches[:3]), _code(switches[3:])
        fewest = _MOST_CELLS[index - 1] + 1 if index else _FEWEST_CELLS
        return cls(fewest, _MOST_CELLS[index], _balance_voltage(code) if code else None)

    @property
    def switches(self) -> Switches | None:
        """The eight switches; `None` for what cannot be set."""
        return begin_board_switches(self.most_cells, self.balance_voltage)


def begin_board_switches(cells: int, balance_voltage: float | None) -> Switches | None:
    """Return the switches of the Begin Board for a number of cells; `None` for what cannot be set."""
    index = next((i for i, most in enumerate(_MOST_CELLS) if _FEWEST_CELLS <= cells <= most), None)
    codes = {None: 0} | {_balance_voltage(code): code for code in _BALANCE_CODES}
    if index is None or balance_voltage not in codes:
        return None
    return (*_bits(index, 3), *_bits(codes[balance_voltage], 5))


def _balance_voltage(code: int) -> float:
    """Return the voltage of a code; the formula fits every row of the table."""
    return round(1.8 + 0.1 * code, 1)


@dataclass(frozen=True, slots=True)
class Sensor:
    """What a current sensor can do, in A.

    A current up to `deadband` reads as none (on generation 2 only with switch 3 on). A dual range
    sensor resolves `resolution` up to `low_range`, and `coarse_resolution` above it. `loops` is how
    often the cable goes through it.
    """

    range: float
    resolution: float
    deadband: float
    low_range: float | None = None
    coarse_resolution: float | None = None
    loops: int = 1


# MAN2; the hidden settings know a 400 A sensor too, which has no row there.
GEN2_SENSORS: Final[Mapping[int, Sensor]] = MappingProxyType(
    {
        25: Sensor(25, 0.125, 0.25),
        50: Sensor(50, 0.25, 0.5),
        100: Sensor(100, 0.5, 1.25),
        250: Sensor(250, 1.25, 2.5),
        500: Sensor(500, 2.5, 5),
        1000: Sensor(1000, 5, 10),
        2000: Sensor(2000, 10, 20),
    }
)
_GEN2_DEFAULT: Final = 100

# The loops that make the sensor type of the settings (protocol.md 5.4); type 11 is in no manual.
_LOOPS: Final[Mapping[int, int]] = MappingProxyType({0: 4, 1: 2, 2: 1})
_GEN3_DEFAULT: Final = 2
# Range, resolution, range and resolution of the low range by the number of loops.
_DUAL_RANGE: Final = {1: (500, 0.05, 20, 1.25), 2: (250, 0.025, 10, 0.625), 4: (125, 0.0125, 5, 0.313)}
_OLDER_DEADBANDS: Final = {1: 0.3, 2: 0.15, 4: 0.075}
_DEADBANDS: Final[Mapping[ProfileKey, Mapping[int, float]]] = MappingProxyType(
    {
        ProfileKey.GEN3_EARLY: _OLDER_DEADBANDS,
        ProfileKey.GEN3_REV6: _OLDER_DEADBANDS,
        ProfileKey.GEN3_REV13: {1: 0.15, 2: 0.075, 4: 0.038},
    }
)


def dual_range_sensor(profile: ProfileKey, loops: int) -> Sensor | None:
    """Return the dual range sensor of generation 3 with the cable looped through it.

    What MAN13 calls accuracy the others call resolution (protocol.md 11.7 point 17); the number is
    the same.
    """
    deadband = _DEADBANDS.get(profile, {}).get(loops)
    if deadband is None:
        return None
    most, resolution, low_range, coarse = _DUAL_RANGE[loops]
    return Sensor(most, resolution, deadband, low_range, coarse, loops)


def sensor_of(profile: ProfileKey, settings: Mapping[SettingKey, float]) -> Sensor | None:
    """Return the current sensor that a BMS is set to; `None` where its manual has no such sensor.

    Generation 2 does not tell its sensor, and older firmware of generation 3 does not either: then
    it is taken for the one that the manual calls the default or delivers, of 100 A and of 500 A.
    """
    if profile is ProfileKey.GEN2:
        return GEN2_SENSORS[_GEN2_DEFAULT]
    loops = _LOOPS.get(round(settings.get(SettingKey.SENSOR_TYPE, _GEN3_DEFAULT)))
    return None if loops is None else dual_range_sensor(profile, loops)
