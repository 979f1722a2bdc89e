"""The relay rules of the manuals: when charge is let in and load let out (protocol.md 11.6)."""

from dataclasses import dataclass
from typing import Final

from .profiles import Profile

# "Full" also asks for little charging power: C/20 of the capacity, per MAN6 and MAN13.
_FULL_POWER_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The thresholds that decide: volts per cell, degrees Celsius, percent, watt-hours."""

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

    cell_voltages: tuple[float, ...]
    lowest_temperature: float
    highest_temperature: float
    state_of_charge: float
    power: float
    communication: bool = True


@dataclass(frozen=True, slots=True)
class Relays:
    """Whether charging and discharging is allowed; both off until the rules have spoken."""

    charge: bool = False
    load: bool = False


def is_full(profile: Profile, limits: Limits, reading: Reading) -> bool:
    """Whether every cell is at the balance voltage, with hardly any power flowing in where that counts."""
    is_balanced = min(reading.cell_voltages) >= limits.balance_voltage
    has_low_power = reading.power <= _FULL_POWER_SHARE * limits.capacity
    return is_balanced and (has_low_power or not profile.full_needs_low_power)


def decide(profile: Profile, limits: Limits, reading: Reading, before: Relays) -> Relays:
    """Return what is allowed now; where neither column of the table applies, nothing changes."""
    lowest, highest = min(reading.cell_voltages), max(reading.cell_voltages)
    cold, hot = reading.lowest_temperature, reading.highest_temperature
    can_talk = reading.communication
    normal = not limits.critical_mode
    charge_window = limits.t_min_charge < cold and hot < limits.t_max
    t_min_load = limits.t_min_discharge if profile.has_discharge_temperature else limits.t_min_charge
    load_window = t_min_load < cold and hot < limits.t_max

    charge_off = (
        not can_talk
        or highest >= limits.v_max
        or cold < limits.t_min_charge
        or hot > limits.t_max
        or (normal and is_full(profile, limits, reading))
    )
    charge_on = (
        can_talk
        and charge_window
        and (
            highest < limits.balance_voltage and reading.state_of_charge < limits.charge_restart
            if normal
            else highest < limits.v_max
        )
    )
    load_off = not can_talk or lowest <= limits.v_min or cold < t_min_load or hot > limits.t_max
    load_on = (
        can_talk
        and load_window
        and lowest > limits.v_min
        and (limits.critical_mode or reading.state_of_charge >= limits.discharge_restart)
    )
    return Relays(
        charge=not charge_off and (charge_on or before.charge),
        load=not load_off and (load_on or before.load),
    )
