"""The five warning lights of the app, and what can be said of the cells they are about.

The manuals call them E, Vh, Vl, Th and Tl (protocol.md 11.4); each is a bit of status byte 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import gt, lt
from typing import Final

from .settings import SettingKey
from .state import Cell, Snapshot, StatusBit

type _Extreme = tuple[float | None, int | None]

_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class _Quantity:
    """What a limit is about: its unit, its value in a cell as it is read, and as a person reads it."""

    unit: str
    of_cell: Callable[[Cell], float | None]
    shown: Callable[[Snapshot, float], float | None]


_VOLTAGE: Final = _Quantity("V", lambda cell: cell.voltage, lambda _, volts: round(volts, _DECIMALS))
_TEMPERATURE: Final = _Quantity(
    "°C", lambda cell: cell.temperature_raw, lambda snapshot, raw: snapshot.celsius(round(raw))
)


@dataclass(frozen=True, slots=True)
class _Limit:
    """A threshold, the cell that is nearest to it or furthest beyond, and which way beyond is."""

    quantity: _Quantity
    setting: SettingKey
    extreme: Callable[[Snapshot], _Extreme]
    is_beyond: Callable[[float, float], bool]


@dataclass(frozen=True, slots=True)
class Lamp:
    """One warning light, by its letters in the app; E has no `limit`."""

    letters: str
    bit: StatusBit
    limit: _Limit | None = None

    @property
    def key(self) -> str:
        """The name of its bit, as the entities have it."""
        return self.bit.name.lower()


def _lowest(snapshot: Snapshot) -> _Extreme:
    record = snapshot.voltages
    return (None, None) if record is None else (record.lowest, record.lowest_cell)


def _highest(snapshot: Snapshot) -> _Extreme:
    record = snapshot.voltages
    return (None, None) if record is None else (record.highest, record.highest_cell)


def _coldest(snapshot: Snapshot) -> _Extreme:
    record = snapshot.temperatures
    return (None, None) if record is None else (record.lowest_raw, record.lowest_cell)


def _warmest(snapshot: Snapshot) -> _Extreme:
    record = snapshot.temperatures
    return (None, None) if record is None else (record.highest_raw, record.highest_cell)


# Which of its two minimum temperatures a newer BMS means by Tl nobody says; charging's is met first.
LAMPS: Final = (
    Lamp("E", StatusBit.COMMUNICATION_ERROR),
    Lamp("Vh", StatusBit.VOLTAGE_HIGH, _Limit(_VOLTAGE, SettingKey.V_MAX, _highest, gt)),
    Lamp("Vl", StatusBit.VOLTAGE_LOW, _Limit(_VOLTAGE, SettingKey.V_MIN, _lowest, lt)),
    Lamp("Th", StatusBit.TEMPERATURE_HIGH, _Limit(_TEMPERATURE, SettingKey.T_MAX, _warmest, gt)),
    Lamp("Tl", StatusBit.TEMPERATURE_LOW, _Limit(_TEMPERATURE, SettingKey.T_MIN_CHARGE, _coldest, lt)),
)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells that a lamp is about, at one moment; `None` is not known.

    `cell` is the lowest, highest, coldest or warmest one, with its `value` and the `threshold` in V or
    °C. `beyond` are all cells whose last word is beyond the threshold.
    """

    cell: int | None = None
    value: float | None = None
    unit: str | None = None
    threshold: float | None = None
    beyond: tuple[int, ...] | None = None


def cells_of(lamp: Lamp, snapshot: Snapshot) -> Cells:
    """Return the cells that a lamp is about; of a broken chain the stream names none."""
    if (limit := lamp.limit) is None:
        return Cells()
    quantity, threshold = limit.quantity, snapshot.settings.get(limit.setting)
    value, cell = limit.extreme(snapshot)
    return Cells(
        cell,
        None if value is None else quantity.shown(snapshot, value),
        quantity.unit,
        None if threshold is None else quantity.shown(snapshot, threshold),
        None if value is None or threshold is None else _beyond(limit, snapshot, threshold),
    )


def _beyond(limit: _Limit, snapshot: Snapshot, threshold: float) -> tuple[int, ...]:
    """Return the cells beyond a threshold; the manuals' text lets a lamp light beyond, not at it.

    A cell is heard once in a cycle, the extremes with every record: they are newer than its last word.
    """

    def is_beyond(value: float | None) -> bool:
        # Sums of binary fractions keep dust that would make 3.7 V more than 3.7 V.
        return value is not None and limit.is_beyond(round(value, _DECIMALS), round(threshold, _DECIMALS))

    value, extreme_cell = limit.extreme(snapshot)
    if not is_beyond(value):
        return ()
    numbered = enumerate(snapshot.cells, 1)
    beyond = {number for number, cell in numbered if is_beyond(limit.quantity.of_cell(cell))}
    return tuple(sorted(beyond if extreme_cell is None else beyond | {extreme_cell}))
