"""Several batteries in parallel, each with a BMS of its own, seen as one.

Parallel batteries share their voltage and add their currents. What is added up is told only while every
battery is heard: the sum over the rest would be a lie. The worst, the lowest and the highest, the mean
voltage and the state of charge are told over those that are heard, and who is missing is told beside them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, attrgetter, or_
from typing import Final, NamedTuple

from ..bms.settings import SettingKey
from ..bms.state import Snapshot, Status, Status2Bit, StatusBit

# One battery that blocks blocks the bank: the manual connects their relays in series (MAN2 and
# MANG, "Multiple battery packs parallel"). Every other bit is a trouble, and one battery in trouble is enough.
_ALL_MUST: Final = StatusBit.CHARGE_ALLOWED | StatusBit.DISCHARGE_ALLOWED
_ALL_MUST2: Final = Status2Bit.CHARGE_RELAY_CLOSED | Status2Bit.LOAD_RELAY_CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One battery of a bank: what its owner calls it, and what is known of it; `None` while it is away.

    One that `is_missing` has been away for longer than a restart takes.
    """

    name: str
    snapshot: Snapshot | None = None
    is_missing: bool = False


class Extreme(NamedTuple):
    """The lowest or highest value over all cells, with the battery and the cell (from 1) that has it."""

    value: float
    battery: str
    cell: int | None


# Each BMS tells whole percents; a tenth lets a small battery show among large ones.
_PERCENT_DECIMALS: Final = 1
# The first one of equals: neither name nor cell says which is worse.
_BY_VALUE: Final = attrgetter("value")


@dataclass(frozen=True, slots=True, kw_only=True)
class BankState:
    """What is known of a bank at one moment: V, A, W, Wh, °C and %; positive current and power charge."""

    heard: int = 0
    missing: tuple[str, ...] = ()
    status: Status = Status()
    voltage: float | None = None
    current: float | None = None
    power: float | None = None
    charge_current: float | None = None
    charge_power: float | None = None
    load_current: float | None = None
    load_power: float | None = None
    stored_energy: float | None = None
    state_of_charge: float | None = None
    lowest_cell_voltage: Extreme | None = None
    highest_cell_voltage: Extreme | None = None
    lowest_temperature: Extreme | None = None
    highest_temperature: Extreme | None = None

    @property
    def cell_voltage_spread(self) -> float | None:
        """Highest less lowest cell voltage in V, over all batteries that are heard."""
        if self.highest_cell_voltage is None or self.lowest_cell_voltage is None:
            return None
        return self.highest_cell_voltage.value - self.lowest_cell_voltage.value


def combined(members: Sequence[Member]) -> BankState:
    """Return the bank that batteries make."""
    heard = [(member.name, member.snapshot) for member in members if member.snapshot is not None]
    snapshots = [snapshot for _, snapshot in heard]
    is_whole = len(heard) == len(members)

    def added(read: Callable[[Snapshot], float | None]) -> float | None:
        return _sum(map(read, snapshots)) if is_whole else None

    def extremes(read: Callable[[Snapshot], tuple[float | None, int | None] | None]) -> list[Extreme]:
        found = ((name, read(snapshot)) for name, snapshot in heard)
        return [Extreme(each[0], name, each[1]) for name, each in found if each and each[0] is not None]

    lowest_voltages = extremes(lambda s: s.voltages and (s.voltages.lowest, s.voltages.lowest_cell))
    highest_voltages = extremes(lambda s: s.voltages and (s.voltages.highest, s.voltages.highest_cell))
    lowest_temperatures = extremes(
        lambda s: s.temperatures and (s.celsius(s.temperatures.lowest_raw), s.temperatures.lowest_cell)
    )
    highest_temperatures = extremes(
        lambda s: s.temperatures and (s.celsius(s.temperatures.highest_raw), s.temperatures.highest_cell)
    )
    return BankState(
        heard=len(heard),
        missing=tuple(member.name for member in members if member.is_missing),
        status=_worst(snapshot.status for snapshot in snapshots),
        voltage=_mean([s.pack.voltage for s in snapshots if s.pack and s.pack.voltage is not None]),
        current=added(lambda s: s.pack and s.pack.battery_current),
        power=added(lambda s: s.power(s.pack and s.pack.battery_current)),
        charge_current=added(lambda s: s.pack and s.pack.charge_current),
        charge_power=added(lambda s: s.power(s.pack and s.pack.charge_current)),
        load_current=added(lambda s: s.pack and s.pack.load_current),
        load_power=added(lambda s: s.power(s.pack and s.pack.load_current)),
        stored_energy=added(lambda s: s.energy and s.energy.stored),
        state_of_charge=_state_of_charge(snapshots),
        lowest_cell_voltage=min(lowest_voltages, key=_BY_VALUE, default=None),
        highest_cell_voltage=max(highest_voltages, key=_BY_VALUE, default=None),
        lowest_temperature=min(lowest_temperatures, key=_BY_VALUE, default=None),
        highest_temperature=max(highest_temperatures, key=_BY_VALUE, default=None),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    """Return a sum that lacks nothing."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _state_of_charge(snapshots: Iterable[Snapshot]) -> float | None:
    """Return the mean in % over the batteries, each weighed by the capacity that is set in its BMS.

    Not known while one of them does not tell both: without its weight it cannot be left out either.
    """
    charges: list[float] = []
    capacities: list[float] = []
    for snapshot in snapshots:
        charge = snapshot.energy and snapshot.energy.state_of_charge
        capacity = snapshot.settings.get(SettingKey.CAPACITY)
        if charge is None or not capacity:
            return None
        charges.append(charge * capacity)
        capacities.append(capacity)
    return round(sum(charges) / sum(capacities), _PERCENT_DECIMALS) if capacities else None


def _worst(statuses: Iterable[Status]) -> Status:
    """Return the status of the bank; a byte that a BMS does not send says nothing."""
    told = list(statuses)
    return Status(
        _worst_byte([status.first for status in told if status.first is not None], _ALL_MUST),
        _worst_byte([status.second for status in told if status.second is not None], _ALL_MUST2),
    )


def _worst_byte(told: Sequence[int], all_must: int) -> int | None:
    if not told:
        return None
    return (reduce(or_, told) & ~all_must) | (reduce(and_, told) & all_must)
