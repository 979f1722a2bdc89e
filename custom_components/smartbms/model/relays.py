"""The relay rules of the manuals: when charge is let in and load let out, and why not.

Each rule is a row of the decision tables (protocol.md 11.6). A relay goes off when any rule of its
*disable* column applies. What is off comes back only when no rule of either list applies: the
*hold* rules are the *enable* column turned around, so between the two nothing changes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from operator import ge, gt, le, lt
from typing import Final

from .profiles import Profile

# "Full" also asks for little charging power: C/20 of the capacity, per MAN6 and MAN13.
_FULL_POWER_SHARE: Final = 0.05


class Rule(StrEnum):
    """What can keep a relay off."""

    NO_COMMUNICATION = "no_communication"
    CELL_VOLTAGE_HIGH = "cell_voltage_high"
    CELL_VOLTAGE_LOW = "cell_voltage_low"
    TOO_COLD = "too_cold"
    TOO_HOT = "too_hot"
    FULL = "full"
    ABOVE_BALANCE_VOLTAGE = "above_balance_voltage"
    WAITS_FOR_RESTART = "waits_for_restart"
    RESTART_DELAY = "restart_delay"


@dataclass(frozen=True, slots=True)
class Extreme:
    """A lowest or highest value and the cell that has it."""

    value: float
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason: the rule, its limit, the value that meets it, and the cell that has the value."""

    rule: Rule
    limit: float | None = None
    value: float | None = None
    cell: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The thresholds that decide: volts per cell, percent, watt-hours, temperatures as they are read.

    The hystereses, in V, and the restart delays, in s, are those of newer firmware; no manual knows
    them, and 0 is as if there were none. A relay that went off is taken to stay off for its restart
    delay (protocol.md 11.7 point 8 leaves that open).
    """

    v_min: float
    v_max: float
    balance_voltage: float
    t_min_charge: float
    t_min_discharge: float
    t_max: float
    charge_restart: float
    discharge_restart: float
    capacity: float
    critical_mode: bool = False
    v_min_hysteresis: float = 0.0
    v_max_hysteresis: float = 0.0
    charge_restart_delay: float = 0.0
    discharge_restart_delay: float = 0.0


@dataclass(frozen=True, slots=True)
class OffFor:
    """For how many seconds each relay has been off; infinite where nobody knows."""

    charge: float = inf
    load: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the rules look at; battery power in W, positive when charging.

    `average_voltage` is the pack voltage over the number of cells, where it is known; only what is
    full in critical mode asks for it.
    """

    lowest_voltage: Extreme
    highest_voltage: Extreme
    lowest_temperature: Extreme
    highest_temperature: Extreme
    state_of_charge: float
    power: float
    average_voltage: float | None = None
    off_for: OffFor = OffFor()


@dataclass(frozen=True, slots=True)
class Relays:
    """Whether charging and discharging is allowed; both off until the rules have spoken."""

    charge: bool = False
    load: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is allowed, and everything that keeps off what is not."""

    relays: Relays
    charge_causes: tuple[Cause, ...] = ()
    load_causes: tuple[Cause, ...] = ()


class Relay(StrEnum):
    """The two signal relays."""

    CHARGE = "charge"
    LOAD = "load"


class Column(StrEnum):
    """The two columns that a decision table has for each relay."""

    ENABLE = "enable"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a decision table as it stands now.

    `applies` tells that it keeps the relay off: what the disable column asks for is so, or what the
    enable column asks for is not. Without communication there is no `value`. Full also asks for a
    power in W of at most `power_limit`, where the manual has that.
    """

    relay: Relay
    column: Column
    rule: Rule
    applies: bool
    limit: float | None = None
    value: float | None = None
    cell: int | None = None
    power_limit: float | None = None
    power: float | None = None


def is_full(profile: Profile, limits: Limits, reading: Reading) -> bool:
    """Whether the pack is full, which sets the state of charge to 100 % (protocol.md 11.5).

    Every cell, in critical mode the average cell, is at the balance voltage, with hardly any power
    flowing in where that counts. Power flowing out is little, and so is none (protocol.md 11.7
    point 5). In normal mode the same ends charging.
    """
    has_low_power = reading.power <= _FULL_POWER_SHARE * limits.capacity
    if profile.full_needs_low_power and not has_low_power:
        return False
    voltage = reading.average_voltage if limits.critical_mode else reading.lowest_voltage.value
    return voltage is not None and voltage >= limits.balance_voltage


@dataclass(frozen=True, slots=True)
class _Row:
    """A rule that applies when a value of the reading stands to its limit as `meets` says.

    One that `is_delay` is there only where a delay is set, and its cause has no value: seconds pass
    while one looks.
    """

    rule: Rule
    limit: Callable[[Profile, Limits], float]
    extreme: Callable[[Reading], Extreme]
    meets: Callable[[float, float], bool]
    normal_mode_only: bool = False
    asks_for_full: bool = False
    is_delay: bool = False

    def counts(self, profile: Profile, limits: Limits) -> bool:
        """Return whether the table of this mode has the rule."""
        if self.is_delay:
            return self.limit(profile, limits) > 0
        return not (self.normal_mode_only and limits.critical_mode)

    def applies(self, profile: Profile, limits: Limits, reading: Reading) -> bool:
        """Return whether it keeps the relay off."""
        if not self.counts(profile, limits) or not self.meets(
            self.extreme(reading).value, self.limit(profile, limits)
        ):
            return False
        return not self.asks_for_full or is_full(profile, limits, reading)

    def cause(self, profile: Profile, limits: Limits, reading: Reading) -> Cause:
        """Return the rule with its numbers."""
        limit, extreme = self.limit(profile, limits), self.extreme(reading)
        return Cause(self.rule, limit, None if self.is_delay else extreme.value, extreme.cell)


def _t_min_charge(_: Profile, limits: Limits) -> float:
    return limits.t_min_charge


def _t_min_discharge(profile: Profile, limits: Limits) -> float:
    return limits.t_min_discharge if profile.has_discharge_temperature else limits.t_min_charge


def _t_max(_: Profile, limits: Limits) -> float:
    return limits.t_max


def _balance_voltage(_: Profile, limits: Limits) -> float:
    return limits.balance_voltage


def _v_max_to_return(_: Profile, limits: Limits) -> float:
    """V max less its hysteresis; rounded, because the sum shall keep no dust of binary fractions."""
    return round(limits.v_max - limits.v_max_hysteresis, 3)


def _v_min_to_return(_: Profile, limits: Limits) -> float:
    return round(limits.v_min + limits.v_min_hysteresis, 3)


def _lowest(reading: Reading) -> Extreme:
    return reading.lowest_voltage


def _highest(reading: Reading) -> Extreme:
    return reading.highest_voltage


def _coldest(reading: Reading) -> Extreme:
    return reading.lowest_temperature


def _warmest(reading: Reading) -> Extreme:
    return reading.highest_temperature


def _charged(reading: Reading) -> Extreme:
    return Extreme(reading.state_of_charge)


def _charge_off_for(reading: Reading) -> Extreme:
    return Extreme(reading.off_for.charge)


def _load_off_for(reading: Reading) -> Extreme:
    return Extreme(reading.off_for.load)


# Exactly at a temperature nothing changes: what is on stays on, what is off stays off. At exactly
# the discharge restart the load comes back.
_CHARGE_DISABLE: Final = (
    _Row(Rule.CELL_VOLTAGE_HIGH, lambda _, limits: limits.v_max, _highest, ge),
    _Row(Rule.FULL, _balance_voltage, _lowest, ge, normal_mode_only=True, asks_for_full=True),
    _Row(Rule.TOO_COLD, _t_min_charge, _coldest, lt),
    _Row(Rule.TOO_HOT, _t_max, _warmest, gt),
)
_CHARGE_HOLD: Final = (
    _Row(Rule.CELL_VOLTAGE_HIGH, _v_max_to_return, _highest, ge),
    _Row(Rule.TOO_COLD, _t_min_charge, _coldest, le),
    _Row(Rule.TOO_HOT, _t_max, _warmest, ge),
    _Row(Rule.ABOVE_BALANCE_VOLTAGE, _balance_voltage, _highest, ge, normal_mode_only=True),
    _Row(
        Rule.WAITS_FOR_RESTART, lambda _, limits: limits.charge_restart, _charged, ge, normal_mode_only=True
    ),
    _Row(
        Rule.RESTART_DELAY, lambda _, limits: limits.charge_restart_delay, _charge_off_for, lt, is_delay=True
    ),
)
_LOAD_DISABLE: Final = (
    _Row(Rule.CELL_VOLTAGE_LOW, lambda _, limits: limits.v_min, _lowest, le),
    _Row(Rule.TOO_COLD, _t_min_discharge, _coldest, lt),
    _Row(Rule.TOO_HOT, _t_max, _warmest, gt),
)
_LOAD_HOLD: Final = (
    _Row(Rule.CELL_VOLTAGE_LOW, _v_min_to_return, _lowest, le),
    _Row(Rule.TOO_COLD, _t_min_discharge, _coldest, le),
    _Row(Rule.TOO_HOT, _t_max, _warmest, ge),
    _Row(
        Rule.WAITS_FOR_RESTART,
        lambda _, limits: limits.discharge_restart,
        _charged,
        lt,
        normal_mode_only=True,
    ),
    _Row(
        Rule.RESTART_DELAY, lambda _, limits: limits.discharge_restart_delay, _load_off_for, lt, is_delay=True
    ),
)


def decide(profile: Profile, limits: Limits, reading: Reading | None, before: Relays) -> Decision:
    """Return what is allowed now and why the rest is not.

    Without communication with the cells there is no reading, and nothing is allowed.
    """
    if reading is None:
        silent = (Cause(Rule.NO_COMMUNICATION),)
        return Decision(Relays(), silent, silent)

    def causes(disable: tuple[_Row, ...], hold: tuple[_Row, ...], is_on: bool) -> tuple[Cause, ...]:
        """Return each rule once: what disables also holds, and its limit is the one that was crossed."""
        first: dict[Rule, Cause] = {}
        for row in disable if is_on else disable + hold:
            if row.rule not in first and row.applies(profile, limits, reading):
                first[row.rule] = row.cause(profile, limits, reading)
        return tuple(first.values())

    charge = causes(_CHARGE_DISABLE, _CHARGE_HOLD, before.charge)
    load = causes(_LOAD_DISABLE, _LOAD_HOLD, before.load)
    return Decision(Relays(not charge, not load), charge, load)


_TABLE: Final = (
    (Relay.CHARGE, Column.DISABLE, _CHARGE_DISABLE),
    (Relay.CHARGE, Column.ENABLE, _CHARGE_HOLD),
    (Relay.LOAD, Column.DISABLE, _LOAD_DISABLE),
    (Relay.LOAD, Column.ENABLE, _LOAD_HOLD),
)


def table(profile: Profile, limits: Limits, reading: Reading | None) -> tuple[Line, ...]:
    """Return the decision table of the mode line by line, those that do not apply as well."""
    lines: list[Line] = []
    for relay, column, rows in _TABLE:
        lines.append(Line(relay, column, Rule.NO_COMMUNICATION, reading is None))
        for row in rows:
            if row.counts(profile, limits):
                line = Line(relay, column, row.rule, False, row.limit(profile, limits))
                lines.append(_filled(line, row, profile, limits, reading))
    return tuple(lines)


def _filled(line: Line, row: _Row, profile: Profile, limits: Limits, reading: Reading | None) -> Line:
    """Return a line with what is read; without a reading with its limits alone."""
    if row.asks_for_full and profile.full_needs_low_power:
        power = None if reading is None else reading.power
        line = replace(line, power_limit=_FULL_POWER_SHARE * limits.capacity, power=power)
    if reading is None:
        return line
    extreme = row.extreme(reading)
    applies = row.applies(profile, limits, reading)
    return replace(line, applies=applies, value=extreme.value, cell=extreme.cell)
