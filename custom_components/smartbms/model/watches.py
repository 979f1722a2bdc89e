"""What each finding remembers from look to look: small values that are replaced, never changed.

Durations are counted in looks and in at most a minute, so that a simulated BMS that lives faster
shows the same. Every constant that names no source is our choice.
"""

from dataclasses import dataclass
from math import hypot
from typing import Final, NamedTuple

from ..bms.settings import SettingKey
from ..bms.state import PackRecord, Snapshot, Status2Bit, StatusBit
from .fit import Fit
from .hardware import sensor_of
from .profiles import Profile
from .relays import Decision, Rule

# A charger is set to the pack's balance voltage and this much more for each cell (MAN13; MAN6 has
# one example inside of it). The tolerance is the stated accuracy of a cell voltage.
CHARGER_ABOVE_BALANCE: Final = (0.025, 0.04)
_VOLTAGE_ACCURACY: Final = 0.02
# What lasts: twelve looks, or a minute that was looked at three times.
_MANY: Final = 12
_MINUTE: Final = 60.0
_SEVERAL: Final = 3
# One look does not stand for longer than this, whatever the clock says.
_LONGEST_LOOK: Final = 20.0
# The pack voltage and that of the cells come one after the other.
_BETWEEN_RECORDS: Final = 0.05
# A sensor whose BMS does not say what it is: as coarse as the coarsest dual range sensor.
_UNKNOWN_DEADBAND: Final = 0.3
_UNKNOWN_RANGE: Final = 500.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a BMS, with what follows from it.

    `elapsed` is the time in s since the look before, `None` where that was too long ago or the clock
    went back. Currents in A; `second` is `None` with a single sensor, whose current is the battery's.
    """

    snapshot: Snapshot
    decision: Decision | None
    elapsed: float | None
    voltage: float | None
    battery: float | None
    first: float | None
    second: float | None
    deadband: float
    sensor_range: float
    resolution: float
    capacity: float | None

    @property
    def cells(self) -> int:
        """The number of cells, 0 while unknown."""
        return len(self.snapshot.cells)

    @property
    def flows(self) -> bool | None:
        """Whether a current flows through the battery; `None` while unknown."""
        return None if self.battery is None else abs(self.battery) > self.deadband

    @property
    def nothing_can_flow(self) -> bool:
        """Whether both relays are off; where the BMS reports the contacts they count as well."""
        has = self.snapshot.status.has
        is_blocked = has(StatusBit.CHARGE_ALLOWED) is False and has(StatusBit.DISCHARGE_ALLOWED) is False
        return is_blocked and not (has(Status2Bit.CHARGE_RELAY_CLOSED) or has(Status2Bit.LOAD_RELAY_CLOSED))

    @property
    def least(self) -> float:
        """The smallest current in A that tells something: beyond noise, deadband and resolution."""
        share = 0.0 if self.capacity is None else self.capacity / 100
        return max(1.0, share, self.deadband, 2 * self.resolution)


def look(profile: Profile, snapshot: Snapshot, decision: Decision | None, elapsed: float | None) -> Look:
    """Return what one look at a BMS shows."""
    pack = snapshot.pack or PackRecord(None, None, None, None)
    has_two = pack.charge_current is not None and pack.load_current is not None
    sensor = sensor_of(profile.key, snapshot.settings)
    capacity = snapshot.settings.get(SettingKey.CAPACITY)
    voltage = _plausible_voltage(snapshot)
    return Look(
        snapshot=snapshot,
        decision=decision,
        elapsed=None if elapsed is None else min(elapsed, _LONGEST_LOOK),
        voltage=voltage,
        battery=pack.battery_current,
        first=pack.charge_current if has_two else pack.battery_current,
        second=pack.load_current if has_two else None,
        deadband=sensor.deadband if sensor else _UNKNOWN_DEADBAND,
        sensor_range=sensor.range if sensor else _UNKNOWN_RANGE,
        resolution=sensor.resolution if sensor else 0.0,
        capacity=capacity / voltage if capacity and voltage else None,
    )


def _plausible_voltage(snapshot: Snapshot) -> float | None:
    """Return a pack voltage that its cells can have: the stream carries no checksum."""
    voltages, cells = snapshot.voltages, len(snapshot.cells)
    voltage = snapshot.pack and snapshot.pack.voltage
    if voltage is None or voltages is None or voltages.lowest is None or voltages.highest is None:
        return None
    low, high = voltages.lowest - _BETWEEN_RECORDS, voltages.highest + _BETWEEN_RECORDS
    return voltage if voltage > 0 and cells * low <= voltage <= cells * high else None


class Run(NamedTuple):
    """How many looks in a row something has been so, and for how many seconds."""

    looks: int = 0
    seconds: float = 0.0

    def after(self, is_so: bool | None, elapsed: float | None) -> Run:
        """Return the run after one more look; one that tells nothing changes nothing."""
        if is_so is None:
            return self
        if not is_so:
            return Run()
        return Run(1) if elapsed is None else Run(min(self.looks + 1, _MANY), self.seconds + elapsed)

    @property
    def is_long(self) -> bool:
        """Whether it has been so for twelve looks or a minute."""
        return self.looks >= _MANY or (self.looks >= _SEVERAL and self.seconds >= _MINUTE)


class Charger(NamedTuple):
    """The charge that is under way, and what was found at an earlier one.

    `peak` is its highest pack voltage in V, `None` while nothing charges; `was_full` whether every
    cell reached the balance voltage; `high_cell` the cell that reached V max before.
    """

    peak: float | None = None
    was_full: bool = False
    high_cell: int | None = None
    found_voltage: float | None = None
    found_cell: int | None = None

    def after(self, look: Look) -> Charger:
        """Return what is known after one more look."""
        voltages, balance = look.snapshot.voltages, look.snapshot.balance_voltage
        v_max = look.snapshot.settings.get(SettingKey.V_MAX)
        if (
            look.voltage is None
            or look.battery is None
            or not balance
            or voltages is None
            or voltages.lowest is None
            or voltages.highest is None
        ):
            return self
        is_high = v_max is not None and voltages.highest >= v_max
        # The relay may have opened already, and the cell is still where it was.
        if look.battery <= look.deadband and not (self.peak is not None and is_high):
            return self._ended(look.cells, balance)
        was_full = self.was_full or voltages.lowest >= balance
        charge = self._replace(
            peak=max(self.peak or 0.0, look.voltage),
            was_full=was_full,
            high_cell=voltages.highest_cell if is_high and not was_full else self.high_cell,
        )
        if charge.is_too_high(look.cells, balance):
            return charge._replace(found_voltage=charge.peak, found_cell=charge.high_cell or self.found_cell)
        return charge

    def is_too_high(self, cells: int, balance: float) -> bool:
        """Whether this charge went further than it should; a cell at V max makes the tolerance needless."""
        tolerance = _VOLTAGE_ACCURACY if self.high_cell is None else 0.0
        return (self.peak or 0.0) > cells * (balance + CHARGER_ABOVE_BALANCE[1] + tolerance)

    def _ended(self, cells: int, balance: float) -> Charger:
        """Return what remains of a charge: one that became full as it should clears what was found."""
        is_good = self.was_full and self.high_cell is None and not self.is_too_high(cells, balance)
        if is_good:
            return Charger()
        return Charger(found_voltage=self.found_voltage, found_cell=self.found_cell)


class Zero(NamedTuple):
    """A sensor while nothing can flow: how long it has read something, between which currents in A.

    `within` counts looks in a row with hardly any current, which acquit it; `found` is its offset.
    """

    looks: int = 0
    seconds: float = 0.0
    low: float = 0.0
    high: float = 0.0
    within: int = 0
    found: float | None = None

    def after(self, current: float | None, look: Look) -> Zero:
        """Return what is known after one more look.

        An offset is steady and small, within 2 % of the range; more than that does flow.
        """
        if current is None:
            return self
        if abs(current) <= look.deadband:
            within = min(self.within + 1, _SEVERAL)
            return Zero(within=within, found=None if within == _SEVERAL else self.found)
        most = max(0.02 * look.sensor_range, 2 * look.deadband)
        if not look.nothing_can_flow or abs(current) > most:
            return Zero(found=self.found)
        low, high = min(self.low, current), max(self.high, current)
        if not self.looks or high - low > max(look.deadband, 2 * look.resolution):
            return Zero(looks=1, low=current, high=current, found=self.found)
        run = Run(self.looks, self.seconds).after(True, look.elapsed)
        found = (low + high) / 2 if run.is_long else self.found
        return Zero(run.looks, run.seconds, low, high, 0, found)


# Reversed current sensors. Of each informative step of the currents the next leaves 96 %, so that
# the sign of the slope turns within some seventeen steps of the cure.
_KEEP_STEP: Final = 0.96
_ENOUGH_STEPS: Final = (1 - _KEEP_STEP**12) / (1 - _KEEP_STEP)
# Standard errors on the wrong side of zero to begin with, and below which it is over.
_WRONG: Final = 6.0
_NO_LONGER_WRONG: Final = 2.0
# A step of 5 mV, the resolution of the pack voltage, leaves this variance in a difference of two.
_STEP_VARIANCE: Final = 0.005**2 / 6
# A pack voltage that moves against the current by this much for each cell, in V.
_AGAINST: Final = 0.001


class Moment(NamedTuple):
    """The pack at the look before: V and the two currents in A."""

    voltage: float | None = None
    first: float | None = None
    second: float | None = None

    @classmethod
    def of(cls, look: Look) -> Moment:
        """Return what a look shows of it."""
        return cls(look.voltage, look.first, look.second)


def add_step(fit: Fit, before: Moment, look: Look) -> Fit:
    """Return the fit of voltage steps over current steps with one more, if it tells something.

    The pack's apparent resistance, the slope, is positive along a charging current and negative
    along a discharging one. Every step counts the same, however large: it is scaled to 1 A.
    """
    if (
        look.elapsed is None
        or before.voltage is None
        or before.first is None
        or look.voltage is None
        or look.first is None
        or (before.second is None) is not (look.second is None)
    ):
        return fit
    first, second = look.first - before.first, (look.second or 0.0) - (before.second or 0.0)
    size = hypot(first, second)
    if size < look.least:
        return fit
    return fit.add(
        first / size,
        second / size,
        (look.voltage - before.voltage) / size,
        keep=_KEEP_STEP,
        variance=_STEP_VARIANCE / (size * size),
    )


class Reversed(NamedTuple):
    """Whether a sensor is the wrong way round, by the steps and by how long it reads negative.

    `looks`, `seconds`: for how long it has read negative, since the pack had `voltage` in V and the
    battery `current` in A.
    """

    by_steps: bool = False
    by_voltage: bool = False
    looks: int = 0
    seconds: float = 0.0
    voltage: float = 0.0
    current: float = 0.0

    @property
    def is_found(self) -> bool:
        """Whether either shows it."""
        return self.by_steps or self.by_voltage

    def after_step(self, fit: Fit, wrong: float | None) -> Reversed:
        """Return what is known once the slope is `wrong` standard errors on the wrong side of zero."""
        if wrong is None or fit.weight < _ENOUGH_STEPS:
            return self
        return self._replace(by_steps=wrong > (_NO_LONGER_WRONG if self.by_steps else _WRONG))

    def after(self, current: float | None, look: Look) -> Reversed:
        """Return what is known after one more look at one of two sensors.

        The manuals ask for positive currents on both sensors. One that reads negative for a minute
        while the pack voltage moves against the current, is reversed; one that reads positive is not.
        """
        if current is None or look.voltage is None or look.battery is None:
            return self
        if abs(current) < look.least:
            return self._replace(looks=0, seconds=0.0)
        if current > 0:
            return Reversed(self.by_steps)
        if not self.looks:
            return Reversed(self.by_steps, self.by_voltage, 1, 0.0, look.voltage, look.battery)
        run = Run(self.looks, self.seconds).after(True, look.elapsed)
        sign = 1 if look.battery > 0 else -1
        is_against = sign * (look.voltage - self.voltage) < -_AGAINST * look.cells
        is_explained = sign * (look.battery - self.current) < 0
        by_voltage = self.by_voltage or (run.is_long and is_against and not is_explained)
        return Reversed(self.by_steps, by_voltage, run.looks, run.seconds, self.voltage, self.current)


class Idle(NamedTuple):
    """A pack that has one sensor: whether current flowed while charging was allowed, and is gone since."""

    flowed: bool = False
    looks: int = 0
    seconds: float = 0.0

    def after(self, look: Look) -> Idle:
        """Return what is known after one more look.

        What blocks charging must be that the pack is full, or was: a combined charger/inverter is
        then off altogether, although discharging is allowed (MAN6, appendix c).
        """
        has, flows = look.snapshot.status.has, look.flows
        charge, load = has(StatusBit.CHARGE_ALLOWED), has(StatusBit.DISCHARGE_ALLOWED)
        if charge is None or flows is None:
            return self
        if charge or flows:
            return Idle(flowed=bool(charge) and (flows or self.flowed))
        is_ordinary = look.second is None and not look.snapshot.settings.get(SettingKey.CRITICAL_MODE)
        causes = () if look.decision is None else look.decision.charge_causes
        if not is_ordinary or not load or not {cause.rule for cause in causes} & _BLOCKED_AS_FULL:
            return Idle(flowed=self.flowed)
        return Idle(self.flowed, *Run(self.looks, self.seconds).after(self.flowed, look.elapsed))

    @property
    def is_found(self) -> bool:
        """Whether it has lasted."""
        return Run(self.looks, self.seconds).is_long


_BLOCKED_AS_FULL: Final = frozenset(
    {Rule.FULL, Rule.WAITS_FOR_RESTART, Rule.CELL_VOLTAGE_HIGH, Rule.ABOVE_BALANCE_VOLTAGE}
)
