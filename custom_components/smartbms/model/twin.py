"""What the rules make of a real BMS's snapshot: is it explained, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..bms.settings import SettingKey
from ..bms.state import Snapshot, StatusBit
from .profiles import Profile
from .relays import Cause, Decision, Extreme, Limits, OffFor, Reading, Relays, decide

_DELAYS: Final = (
    SettingKey.CHARGE_RESTART_DELAY,
    SettingKey.DISCHARGE_RESTART_DELAY,
    SettingKey.CHARGE_PAUSE_DELAY,
    SettingKey.DISCHARGE_PAUSE_DELAY,
)


_UNKNOWN: Final = OffFor()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the BMS allows something and, where it does not, what the rules say to that.

    Without causes the rules would allow what the BMS does not.
    """

    allowed: bool
    causes: tuple[Cause, ...]


def limits_of(settings: Mapping[SettingKey, float], balance_voltage: float | None) -> Limits | None:
    """Return the thresholds in the settings of a BMS, temperatures raw; `None` when one is missing.

    A balance voltage of 0 is a missing one: with balancing switched off the manuals do not say what
    full means (protocol.md 11.7 point 15).
    """
    get = settings.get
    v_min, v_max, t_max = get(SettingKey.V_MIN), get(SettingKey.V_MAX), get(SettingKey.T_MAX)
    t_min_charge, capacity = get(SettingKey.T_MIN_CHARGE), get(SettingKey.CAPACITY)
    charge_restart, discharge_restart = get(SettingKey.CHARGE_RESTART), get(SettingKey.DISCHARGE_RESTART)
    if (
        not balance_voltage
        or v_min is None
        or v_max is None
        or t_min_charge is None
        or t_max is None
        or capacity is None
        or charge_restart is None
        or discharge_restart is None
    ):
        return None
    return Limits(
        v_min=v_min,
        v_max=v_max,
        balance_voltage=balance_voltage,
        t_min_charge=t_min_charge,
        t_min_discharge=get(SettingKey.T_MIN_DISCHARGE, t_min_charge),
        t_max=t_max,
        charge_restart=charge_restart,
        discharge_restart=discharge_restart,
        capacity=capacity,
        critical_mode=bool(get(SettingKey.CRITICAL_MODE, 0)),
        v_min_hysteresis=get(SettingKey.V_MIN_HYSTERESIS, 0.0),
        v_max_hysteresis=get(SettingKey.V_MAX_HYSTERESIS, 0.0),
        charge_restart_delay=get(SettingKey.CHARGE_RESTART_DELAY, 0.0),
        discharge_restart_delay=get(SettingKey.DISCHARGE_RESTART_DELAY, 0.0),
    )


def reading_of(snapshot: Snapshot, off_for: OffFor = _UNKNOWN) -> Reading | None:
    """Return what the rules look at, temperatures raw; `None` until all of it has been heard."""
    voltages, temperatures, energy = snapshot.voltages, snapshot.temperatures, snapshot.energy
    pack = snapshot.pack
    power = snapshot.power(pack and pack.battery_current)
    if (
        voltages is None
        or voltages.lowest is None
        or voltages.highest is None
        or temperatures is None
        or temperatures.lowest_raw is None
        or temperatures.highest_raw is None
        or energy is None
        or energy.state_of_charge is None
        or power is None
    ):
        return None
    return Reading(
        lowest_voltage=Extreme(voltages.lowest, voltages.lowest_cell),
        highest_voltage=Extreme(voltages.highest, voltages.highest_cell),
        lowest_temperature=Extreme(temperatures.lowest_raw, temperatures.lowest_cell),
        highest_temperature=Extreme(temperatures.highest_raw, temperatures.highest_cell),
        state_of_charge=energy.state_of_charge,
        power=power,
        average_voltage=(
            pack.voltage / len(snapshot.cells) if pack and pack.voltage and snapshot.cells else None
        ),
        off_for=off_for,
    )


def expected(profile: Profile, snapshot: Snapshot, off_for: OffFor = _UNKNOWN) -> Decision | None:
    """Return what a BMS should allow now, given what it allows; `None` when that cannot be told."""
    limits = limits_of(snapshot.settings, snapshot.balance_voltage)
    reading = reading_of(snapshot, off_for)
    charge = snapshot.status.has(StatusBit.CHARGE_ALLOWED)
    load = snapshot.status.has(StatusBit.DISCHARGE_ALLOWED)
    is_broken = snapshot.status.has(StatusBit.COMMUNICATION_ERROR)
    if limits is None or charge is None or load is None or (reading is None and not is_broken):
        return None
    return decide(profile, limits, None if is_broken else reading, Relays(charge, load))


def differs(decision: Decision | None, snapshot: Snapshot) -> bool | None:
    """Return whether the BMS allows something else than its manual says; `None` when unknown."""
    charge = snapshot.status.has(StatusBit.CHARGE_ALLOWED)
    load = snapshot.status.has(StatusBit.DISCHARGE_ALLOWED)
    return None if decision is None else decision.relays != Relays(bool(charge), bool(load))


def patience(settings: Mapping[SettingKey, float]) -> float:
    """Return how many seconds a BMS may take to follow its rules: its own delays, and a minute."""
    return 60.0 + max(settings.get(key, 0.0) for key in _DELAYS)


def explain_charge(decision: Decision | None, snapshot: Snapshot) -> Explanation | None:
    """Return why charging is blocked; `None` when that cannot be told."""
    causes = None if decision is None else decision.charge_causes
    return _explain(snapshot.status.has(StatusBit.CHARGE_ALLOWED), causes)


def explain_discharge(decision: Decision | None, snapshot: Snapshot) -> Explanation | None:
    """Return why discharging is blocked; `None` when that cannot be told."""
    causes = None if decision is None else decision.load_causes
    return _explain(snapshot.status.has(StatusBit.DISCHARGE_ALLOWED), causes)


def _explain(allowed: bool | None, causes: tuple[Cause, ...] | None) -> Explanation | None:
    if allowed:
        return Explanation(True, ())
    return None if allowed is None or causes is None else Explanation(False, causes)
