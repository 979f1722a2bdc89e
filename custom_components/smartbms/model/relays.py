"""The relay rules of the manuals: when charge is let in and load let out, and why not.

Each rule is a row of the decision tables (protocol.md 11.6). A relay goes off when any rule of its
*disable* column applies. What is off comes back only when no rule of either list applies: the
*hold* rules are the *enable* column turned around, so between the two nothing changes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
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
    """The thresholds that decide: volts per cell, percent, watt-hours, temperatures as they are read."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the rules look at; battery power in W, positive when charging."""

    lowest_voltage: Extreme
    highest_voltage: Extreme
    lowest_temperature: Extreme
    highest_temperature: Extreme
    state_of_charge: float
    power: float


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


type Check = Callable[[Profile, Limits, Reading], Cause | None]


def _at_least(rule: Rule, limit: float, extreme: Extreme) -> Cause | None:
    return Cause(rule, limit, extreme.value, extreme.cell) if extreme.value >= limit else None


def _at_most(rule: Rule, limit: float, extreme: Extreme) -> Cause | None:
    return Cause(rule, limit, extreme.value, extreme.cell) if extreme.value <= limit else None


def _beyond(cause: Cause | None) -> Cause | None:
    """Keep a cause only when its limit is not just met: exactly at a temperature nothing changes."""
    return None if cause is None or cause.value == cause.limit else cause


def _cold(limit: float, reading: Reading) -> Cause | None:
    return _at_most(Rule.TOO_COLD, limit, reading.lowest_temperature)


def _hot(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    return _at_least(Rule.TOO_HOT, limits.t_max, reading.highest_temperature)


def _cold_to_charge(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    return _cold(limits.t_min_charge, reading)


def _cold_to_discharge(profile: Profile, limits: Limits, reading: Reading) -> Cause | None:
    return _cold(
        limits.t_min_discharge if profile.has_discharge_temperature else limits.t_min_charge, reading
    )


def _high(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    return _at_least(Rule.CELL_VOLTAGE_HIGH, limits.v_max, reading.highest_voltage)


def _low(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    return _at_most(Rule.CELL_VOLTAGE_LOW, limits.v_min, reading.lowest_voltage)


def _full(profile: Profile, limits: Limits, reading: Reading) -> Cause | None:
    """Every cell at the balance voltage, with hardly any power flowing in where that counts."""
    if limits.critical_mode:
        return None
    has_low_power = reading.power <= _FULL_POWER_SHARE * limits.capacity
    if profile.full_needs_low_power and not has_low_power:
        return None
    return _at_least(Rule.FULL, limits.balance_voltage, reading.lowest_voltage)


def _above_balance(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    if limits.critical_mode:
        return None
    return _at_least(Rule.ABOVE_BALANCE_VOLTAGE, limits.balance_voltage, reading.highest_voltage)


def _charge_restart(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    if limits.critical_mode:
        return None
    return _at_least(Rule.WAITS_FOR_RESTART, limits.charge_restart, Extreme(reading.state_of_charge))


def _discharge_restart(_: Profile, limits: Limits, reading: Reading) -> Cause | None:
    if limits.critical_mode:
        return None
    # At exactly the restart the load comes back.
    return _beyond(
        _at_most(Rule.WAITS_FOR_RESTART, limits.discharge_restart, Extreme(reading.state_of_charge))
    )


def _only_beyond(check: Check) -> Check:
    return lambda profile, limits, reading: _beyond(check(profile, limits, reading))


_CHARGE_DISABLE: Final[tuple[Check, ...]] = (
    _high,
    _full,
    _only_beyond(_cold_to_charge),
    _only_beyond(_hot),
)
_CHARGE_HOLD: Final[tuple[Check, ...]] = (_cold_to_charge, _hot, _above_balance, _charge_restart)
_LOAD_DISABLE: Final[tuple[Check, ...]] = (_low, _only_beyond(_cold_to_discharge), _only_beyond(_hot))
_LOAD_HOLD: Final[tuple[Check, ...]] = (_cold_to_discharge, _hot, _discharge_restart)


def decide(profile: Profile, limits: Limits, reading: Reading | None, before: Relays) -> Decision:
    """Return what is allowed now and why the rest is not.

    Without communication with the cells there is no reading, and nothing is allowed.
    """
    if reading is None:
        silent = (Cause(Rule.NO_COMMUNICATION),)
        return Decision(Relays(), silent, silent)

    def causes(disable: tuple[Check, ...], hold: tuple[Check, ...], is_on: bool) -> tuple[Cause, ...]:
        checks = disable if is_on else (*disable, *hold)
        return tuple(_by_rule(check(profile, limits, reading) for check in checks))

    charge = causes(_CHARGE_DISABLE, _CHARGE_HOLD, before.charge)
    load = causes(_LOAD_DISABLE, _LOAD_HOLD, before.load)
    return Decision(Relays(not charge, not load), charge, load)


def _by_rule(causes: Iterable[Cause | None]) -> Iterable[Cause]:
    """Return each rule once: what disables also holds."""
    return {cause.rule: cause for cause in causes if cause is not None}.values()
