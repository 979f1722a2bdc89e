"""What is wrong with an installation, where, and by which rule: findings with their evidence.

A finding is made of what was measured and of nothing else. What is remembered over time is in
`evidence.py`, and ends what it began only when the cause is gone; the text of each finding stands
in the translations.
"""

from collections.abc import Callable
from typing import Final

from ..bms.settings import SettingKey
from ..bms.state import Snapshot, StatusBit
from .cell_watches import STATED, extra_drop
from .evidence import Evidence, days_since_full, observe
from .finding import Case, Circumstances, CurrentSensor, Finding, FindingKey, Severity, cell_shown
from .profiles import Profile
from .threshold_checks import (
    balance_voltage_unfit,
    balancing_off,
    capacity_above_advice,
    thresholds_contradict,
    thresholds_unusual,
)
from .watches import CHARGER_ABOVE_BALANCE, Zero, look

__all__ = [
    "Circumstances",
    "Evidence",
    "Finding",
    "FindingKey",
    "Severity",
    "findings",
    "observe",
]

_LONG: Final = 30
_SEVERITIES: Final = (Severity.ERROR, Severity.WARNING, Severity.NOTICE)


def findings(
    evidence: Evidence,
    profile: Profile,
    snapshot: Snapshot,
    now: float,
    circumstances: Circumstances = Circumstances(),
) -> tuple[Finding, ...]:
    """Return what is wrong at `now` in epoch seconds, the most severe first; one of each at most."""
    case = Case(evidence, profile, snapshot, now, circumstances)
    found = [finding for check in _CHECKS if (finding := check(case)) is not None]
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))


def _chain_broken(case: Case) -> Finding | None:
    """Find a communication error, the manuals' "E"; only the BMS's own log knows of which cell."""
    if not case.snapshot.status.has(StatusBit.COMMUNICATION_ERROR):
        return None
    cell = cell_shown(case.circumstances.break_cell)
    return Finding(FindingKey.CHAIN_BROKEN, Severity.ERROR, {"cell": cell})


def _charger_voltage_too_high(case: Case) -> Finding | None:
    """Find a charger that goes beyond the balance voltage and a little (MAN13 step 6, MAN6 step 7)."""
    charger, balance, cells = case.evidence.charger, case.snapshot.balance_voltage, len(case.snapshot.cells)
    if charger.found_voltage is None or not balance or not cells:
        return None
    lowest, highest = (round(cells * (balance + above), 2) for above in CHARGER_ABOVE_BALANCE)
    if charger.found_voltage <= highest:
        return None
    return Finding(
        FindingKey.CHARGER_VOLTAGE_TOO_HIGH,
        Severity.WARNING if charger.found_cell is None else Severity.ERROR,
        {
            "voltage": round(charger.found_voltage, 2),
            "lowest": lowest,
            "highest": highest,
            "cell": cell_shown(charger.found_cell),
        },
    )


def _sensors(case: Case) -> tuple[CurrentSensor, CurrentSensor]:
    """Return which sensors there are: a single one measures the battery (MAN2 to MAN13)."""
    pack = case.snapshot.pack
    has_two = pack is not None and pack.charge_current is not None and pack.load_current is not None
    return (
        (CurrentSensor.CHARGE, CurrentSensor.LOAD)
        if has_two
        else (CurrentSensor.BATTERY, CurrentSensor.BATTERY)
    )


def _current_sensor_reversed(case: Case) -> Finding | None:
    """Find a sensor whose current does to the voltage what the opposite current would do."""
    first, second = case.evidence.first_reversed, case.evidence.second_reversed
    found = {sensor for sensor, watch in zip(_sensors(case), (first, second), strict=True) if watch.is_found}
    if not found:
        return None
    sensor = CurrentSensor.BOTH if len(found) > 1 else found.pop()
    return Finding(FindingKey.CURRENT_SENSOR_REVERSED, Severity.ERROR, {"sensor": sensor.value})


def _sensor_not_zeroed(case: Case) -> Finding | None:
    """Find a current where none can flow (the manuals' "not zero while no current is being drawn")."""
    deadband = look(case.profile, case.snapshot, None, None).deadband
    zeros: tuple[Zero, ...] = (case.evidence.first_zero, case.evidence.second_zero)
    for sensor, zero in zip(_sensors(case), zeros, strict=True):
        if zero.found is not None:
            return Finding(
                FindingKey.SENSOR_NOT_ZEROED,
                Severity.WARNING,
                {"sensor": sensor.value, "current": round(zero.found, 2), "deadband": deadband},
            )
    return None


def _not_calibrated(case: Case) -> Finding | None:
    """Find a state of charge that the BMS itself calls not calibrated (status bit 7)."""
    if case.snapshot.status.has(StatusBit.NOT_CALIBRATED):
        return Finding(FindingKey.NOT_CALIBRATED, Severity.WARNING, {})
    return None


def _long_not_calibrated(case: Case) -> Finding | None:
    """Find a state of charge that was not set right for a month; our choice of the month."""
    evidence = case.evidence
    if evidence.days_since_full is None or case.snapshot.status.has(StatusBit.NOT_CALIBRATED):
        return None
    days = int(days_since_full(evidence.days_since_full, case.now - (evidence.seen or case.now)))
    return Finding(FindingKey.LONG_NOT_CALIBRATED, Severity.NOTICE, {"days": days}) if days > _LONG else None


def _weak_cell(case: Case) -> Finding | None:
    """Find a cell that drops much more than the others at the same current."""
    weak, slope = case.evidence.weak, case.evidence.weak_fit.second
    capacity = look(case.profile, case.snapshot, None, None).capacity
    drop = extra_drop(slope, capacity)
    if not weak.is_found or weak.cell is None or slope is None or capacity is None or drop is None:
        return None
    return Finding(
        FindingKey.WEAK_CELL,
        Severity.WARNING,
        {
            "cell": weak.cell,
            "resistance": round(slope.value * 1000, 2),
            "drop": round(drop * 1000),
            "current": round(capacity * STATED),
        },
    )


def _drifting_cell(case: Case) -> Finding | None:
    """Find a cell that at rest is no longer where it was among the others."""
    rest = case.evidence.rest
    cell = rest.state.drifting
    if cell is None:
        return None
    return Finding(
        FindingKey.DRIFTING_CELL,
        Severity.WARNING,
        {"cell": cell, "drift": round(rest.drift(cell) * 1000), "days": int(rest.state.days)},
    )


def _critical_mode_advisable(case: Case) -> Finding | None:
    """Find a combined charger/inverter that a full pack has switched off (MAN6, appendix c)."""
    if case.evidence.idle.is_found:
        return Finding(FindingKey.CRITICAL_MODE_ADVISABLE, Severity.WARNING, {})
    return None


def _factory_pin(case: Case) -> Finding | None:
    """Find the PIN that everybody knows; the manuals recommend another one."""
    if case.circumstances.has_factory_pin:
        return Finding(FindingKey.FACTORY_PIN, Severity.NOTICE, {})
    return None


def _too_cold_to_charge(case: Case) -> Finding | None:
    """Find charging blocked, with a cell that is not above T min."""
    temperatures, limit = case.snapshot.temperatures, case.snapshot.settings.get(SettingKey.T_MIN_CHARGE)
    if case.snapshot.status.has(StatusBit.CHARGE_ALLOWED) is not False or temperatures is None:
        return None
    lowest = temperatures.lowest_raw
    if lowest is None or limit is None or lowest > limit:
        return None
    return _temperature(FindingKey.TOO_COLD_TO_CHARGE, case, lowest, limit, temperatures.lowest_cell)


def _too_hot(case: Case) -> Finding | None:
    """Find a relay off, with a cell that is not below T max."""
    has, temperatures = case.snapshot.status.has, case.snapshot.temperatures
    limit = case.snapshot.settings.get(SettingKey.T_MAX)
    is_blocked = False in (has(StatusBit.CHARGE_ALLOWED), has(StatusBit.DISCHARGE_ALLOWED))
    if not is_blocked or temperatures is None:
        return None
    highest = temperatures.highest_raw
    if highest is None or limit is None or highest < limit:
        return None
    return _temperature(FindingKey.TOO_HOT, case, highest, limit, temperatures.highest_cell)


def _temperature(key: FindingKey, case: Case, raw: int, limit: float, cell: int | None) -> Finding:
    scale = case.snapshot.temperature_scale
    return Finding(
        key,
        Severity.NOTICE,
        {
            "temperature": scale.celsius(raw),
            "limit": scale.celsius(round(limit)),
            "cell": cell_shown(cell),
        },
    )


_CHECKS: Final[tuple[Callable[[Case], Finding | None], ...]] = (
    _chain_broken,
    _charger_voltage_too_high,
    _current_sensor_reversed,
    thresholds_contradict,
    _sensor_not_zeroed,
    _not_calibrated,
    thresholds_unusual,
    balance_voltage_unfit,
    balancing_off,
    _weak_cell,
    _drifting_cell,
    _critical_mode_advisable,
    _long_not_calibrated,
    _factory_pin,
    capacity_above_advice,
    _too_cold_to_charge,
    _too_hot,
)
