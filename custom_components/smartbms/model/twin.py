"""What the rules make of a real BMS's snapshot."""

from collections.abc import Mapping

from ..bms.settings import SettingKey
from ..bms.state import Snapshot, StatusBit
from .profiles import Profile
from .relays import Limits, Reading, Relays, decide


def limits_of(settings: Mapping[SettingKey, float], balance_voltage: float | None) -> Limits | None:
    """Return the thresholds in the settings of a BMS, temperatures raw; `None` when one is missing."""
    get = settings.get
    v_min, v_max, t_max = get(SettingKey.V_MIN), get(SettingKey.V_MAX), get(SettingKey.T_MAX)
    t_min_charge, capacity = get(SettingKey.T_MIN_CHARGE), get(SettingKey.CAPACITY)
    charge_restart, discharge_restart = get(SettingKey.CHARGE_RESTART), get(SettingKey.DISCHARGE_RESTART)
    if (
        balance_voltage is None
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
    )


def reading_of(snapshot: Snapshot) -> Reading | None:
    """Return what the rules look at, temperatures raw; `None` until every cell has been heard."""
    voltages, temperatures, energy = snapshot.cell_voltages, snapshot.temperatures, snapshot.energy
    power = snapshot.power(snapshot.pack and snapshot.pack.battery_current)
    is_broken = snapshot.status.has(StatusBit.COMMUNICATION_ERROR)
    if (
        len(voltages) < max(len(snapshot.cells), 1)
        or temperatures is None
        or temperatures.lowest_raw is None
        or temperatures.highest_raw is None
        or energy is None
        or energy.state_of_charge is None
        or power is None
        or is_broken is None
    ):
        return None
    return Reading(
        cell_voltages=tuple(voltages),
        lowest_temperature=temperatures.lowest_raw,
        highest_temperature=temperatures.highest_raw,
        state_of_charge=energy.state_of_charge,
        power=power,
        communication=not is_broken,
    )


def expected(profile: Profile, snapshot: Snapshot) -> Relays | None:
    """Return what a BMS should allow now, given what it allows; `None` when that cannot be told."""
    limits = limits_of(snapshot.settings, snapshot.balance_voltage)
    reading = reading_of(snapshot)
    charge = snapshot.status.has(StatusBit.CHARGE_ALLOWED)
    load = snapshot.status.has(StatusBit.DISCHARGE_ALLOWED)
    if limits is None or reading is None or charge is None or load is None:
        return None
    return decide(profile, limits, reading, Relays(charge, load))
