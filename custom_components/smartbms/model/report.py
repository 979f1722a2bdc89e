"""One report of everything that is known of a BMS and of what its manual says to it, as JSON and as text.

The same report answers what would be: a hypothesis is the same insight with other numbers.
Temperatures are in °C on the scale of the snapshot.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Final

from ..bms.settings import SETTINGS, SettingKey, Unit
from ..bms.state import Snapshot, StatusBit
from ..bms.stored import JSON
from .finding import Circumstances
from .hardware import begin_board_switches
from .insight import Insight
from .profiles import Profile, ProfileKey
from .relays import Cause, Line, Rule, table
from .twin import limits_of, reading_of

_TEMPERATURES: Final = (Rule.TOO_COLD, Rule.TOO_HOT)
_NAMES: Final = {key.value: setting.name for key, setting in SETTINGS.items()}


def report(insight: Insight, now: float, circumstances: Circumstances = Circumstances()) -> dict[str, JSON]:
    """Return everything about a BMS at `now` in epoch seconds; what is not known is null.

    `settings` and `reading` have the names and units that `hypothetical` takes.
    """
    snapshot = insight.snapshot or Snapshot()
    decision = insight.decision
    return {
        "generated_at": _iso(now),
        "heard_at": _iso(insight.at),
        "age_seconds": _rounded(insight.age(now), 0),
        "profile": insight.profile.key.value,
        "firmware": snapshot.firmware,
        "reading": _reading(snapshot),
        "settings": {key.value: setting_value(snapshot, key) for key in snapshot.settings},
        "begin_board": _begin_board(insight.profile, snapshot),
        "findings": [
            {
                "key": finding.key.value,
                "severity": finding.severity.value,
                "evidence": dict(finding.evidence),
            }
            for finding in insight.findings(now, circumstances)
        ],
        "charging": {
            "allowed": snapshot.status.has(StatusBit.CHARGE_ALLOWED),
            "expected": None if decision is None else decision.relays.charge,
            "causes": [cause_as_json(snapshot, cause) for cause in decision.charge_causes]
            if decision
            else [],
        },
        "discharging": {
            "allowed": snapshot.status.has(StatusBit.DISCHARGE_ALLOWED),
            "expected": None if decision is None else decision.relays.load,
            "causes": [cause_as_json(snapshot, cause) for cause in decision.load_causes] if decision else [],
        },
        "table": [_line(snapshot, line) for line in _lines(insight, snapshot)],
    }


def setting_value(snapshot: Snapshot, key: SettingKey) -> float:
    """Return a setting that the BMS has, in the unit a person uses: temperatures in °C."""
    value = snapshot.settings[key]
    if SETTINGS[key].unit is Unit.RAW_TEMPERATURE:
        return snapshot.temperature_scale.celsius(round(value))
    return value


def _begin_board(profile: Profile, snapshot: Snapshot) -> str | None:
    """Return how the switches 1 to 8 of the Begin Board stand, 1 for on; generation 2 has no such board."""
    if profile.key is ProfileKey.GEN2 or snapshot.balance_voltage is None:
        return None
    switches = begin_board_switches(len(snapshot.cells), round(snapshot.balance_voltage, 1) or None)
    return None if switches is None else "".join("1" if is_on else "0" for is_on in switches)


def _iso(at: float | None) -> str | None:
    """Return a time as text; one that no calendar has is not known."""
    try:
        return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except ValueError, OverflowError, OSError:
        return None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _reading(snapshot: Snapshot) -> dict[str, JSON]:
    """Return what is measured, extremes with their cells."""
    pack, energy = snapshot.pack, snapshot.energy
    voltages, temperatures = snapshot.voltages, snapshot.temperatures
    return {
        "voltage": pack and _rounded(pack.voltage, 3),
        "current": pack and _rounded(pack.battery_current, 3),
        "charge_current": pack and _rounded(pack.charge_current, 3),
        "load_current": pack and _rounded(pack.load_current, 3),
        "power": _rounded(snapshot.power(pack and pack.battery_current), 1),
        "state_of_charge": energy and energy.state_of_charge,
        "stored_energy": energy and energy.stored,
        "cells": len(snapshot.cells) or None,
        "balance_voltage": snapshot.balance_voltage,
        "lowest_cell_voltage": voltages and _rounded(voltages.lowest, 3),
        "lowest_cell": voltages and voltages.lowest_cell,
        "highest_cell_voltage": voltages and _rounded(voltages.highest, 3),
        "highest_cell": voltages and voltages.highest_cell,
        "lowest_temperature": temperatures and snapshot.celsius(temperatures.lowest_raw),
        "coldest_cell": temperatures and temperatures.lowest_cell,
        "highest_temperature": temperatures and snapshot.celsius(temperatures.highest_raw),
        "warmest_cell": temperatures and temperatures.highest_cell,
    }


def _lines(insight: Insight, snapshot: Snapshot) -> tuple[Line, ...]:
    """Return the decision table; none where thresholds or readings are missing."""
    limits = limits_of(snapshot.settings, snapshot.balance_voltage)
    is_broken = snapshot.status.has(StatusBit.COMMUNICATION_ERROR)
    reading = None if is_broken else reading_of(snapshot, insight.off_for)
    if limits is None or (reading is None and not is_broken):
        return ()
    return table(insight.profile, limits, reading)


def _number(snapshot: Snapshot, rule: Rule, value: float | None) -> float | None:
    """Return a limit or a value of a rule in the unit a person uses."""
    if value is None or not isfinite(value):
        return None
    return snapshot.celsius(round(value)) if rule in _TEMPERATURES else round(value, 3)


def cause_as_json(snapshot: Snapshot, cause: Cause) -> dict[str, JSON]:
    """Return a cause with limit and value in the units that a person uses."""
    return {
        "rule": cause.rule.value,
        "limit": _number(snapshot, cause.rule, cause.limit),
        "value": _number(snapshot, cause.rule, cause.value),
        "cell": cause.cell,
    }


def _line(snapshot: Snapshot, line: Line) -> JSON:
    shown: dict[str, JSON] = {
        "relay": line.relay.value,
        "column": line.column.value,
        "rule": line.rule.value,
        "applies": line.applies,
        "limit": _number(snapshot, line.rule, line.limit),
        "value": _number(snapshot, line.rule, line.value),
        "cell": line.cell,
    }
    if line.power_limit is not None:
        shown["power_limit"] = line.power_limit
        shown["power"] = _rounded(line.power, 1)
    return shown


def placeholders(evidence: Mapping[str, JSON]) -> dict[str, str]:
    """Return what fills the English text of a finding: numbers as a person reads them, settings by name."""
    return {each: _NAMES.get(shown(value), shown(value)) for each, value in evidence.items()}


def shown(value: JSON) -> str:
    """Return a value as a person reads it: at most three decimals, a dash for what is not known."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)


# What the reading is called in a text, and its unit.
_SUMMARY: Final = (
    ("voltage", "Voltage", "V"),
    ("current", "Current", "A"),
    ("power", "Power", "W"),
    ("state_of_charge", "State of charge", "%"),
    ("balance_voltage", "Balance voltage", "V"),
    ("lowest_cell_voltage", "Lowest cell voltage", "V"),
    ("highest_cell_voltage", "Highest cell voltage", "V"),
    ("lowest_temperature", "Lowest temperature", "°C"),
    ("highest_temperature", "Highest temperature", "°C"),
)
_CELL_OF: Final = {
    "lowest_cell_voltage": "lowest_cell",
    "highest_cell_voltage": "highest_cell",
    "lowest_temperature": "coldest_cell",
    "highest_temperature": "warmest_cell",
}


def as_text(report: Mapping[str, JSON], texts: Mapping[str, Mapping[str, str]], name: str = "The BMS") -> str:
    """Return a report for a terminal; `texts` are the `issues` of a translation, `name` is the BMS's."""
    age = report.get("age_seconds")
    heard = "never heard" if report.get("heard_at") is None else f"heard {report['heard_at']}"
    reading = _fields(report.get("reading"))
    lines = [
        f"{name}, by the rules of {shown(report.get('profile'))}",
        heard if age is None else f"{heard}, {shown(age)} s before this report",
        "",
    ]
    lines += (f"  {label:22}{_measured(reading, key, unit)}" for key, label, unit in _SUMMARY)
    for title, key in (("Charging", "charging"), ("Discharging", "discharging")):
        lines += ["", *_permission(title, _fields(report.get(key)))]
    lines += ["", "Findings"]
    findings = [_fields(each) for each in _items(report.get("findings"))]
    lines += [line for finding in findings for line in _told(finding, texts, name)] or ["  none"]
    if table := [_fields(each) for each in _items(report.get("table"))]:
        lines += ["", "Decision table (x: applies; what is off stays off while a line of enable applies)"]
        lines += (_row(line) for line in table)
    return "\n".join(lines) + "\n"


def _fields(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _items(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, list) else []


def _measured(reading: Mapping[str, JSON], key: str, unit: str) -> str:
    value = reading.get(key)
    if value is None:
        return shown(None)
    cell = reading.get(_CELL_OF.get(key, ""))
    return f"{shown(value)} {unit}" + ("" if cell is None else f" (cell {shown(cell)})")


def _permission(title: str, permission: Mapping[str, JSON]) -> list[str]:
    """Return whether something is allowed, by the BMS and by its manual, and why not."""
    words = {True: "allowed", False: "blocked"}
    allowed, expected = permission.get("allowed"), permission.get("expected")
    by_bms = words[allowed] if isinstance(allowed, bool) else "not known"
    by_manual = words[expected] if isinstance(expected, bool) else "not known"
    causes = map(_fields, _items(permission.get("causes")))
    return [
        f"{title}: {by_bms}; by the manual: {by_manual}",
        *(f"  {_words(cause.get('rule'))}{_compared(cause)}" for cause in causes),
    ]


def _words(value: JSON) -> str:
    return shown(value).replace("_", " ")


def _compared(line: Mapping[str, JSON]) -> str:
    """Return value, limit and cell of a rule, as far as it has them."""
    parts = [
        f"{name} {shown(line[name])}" for name in ("value", "limit", "cell") if line.get(name) is not None
    ]
    if (limit := line.get("power_limit")) is not None:
        parts.append(f"power {shown(line.get('power'))} W, limit {shown(limit)} W")
    return f": {', '.join(parts)}" if parts else ""


def _told(finding: Mapping[str, JSON], texts: Mapping[str, Mapping[str, str]], name: str) -> list[str]:
    """Return a finding in the words of the translation; one without a text by its key."""
    key = shown(finding.get("key"))
    text = texts.get(f"finding_{key}", {})
    filled = placeholders(_fields(finding.get("evidence"))) | {"name": name}
    title = text.get("title", key).format_map(filled)
    return [
        f"  [{shown(finding.get('severity'))}] {title}",
        f"    {text.get('description', '').format_map(filled)}",
    ]


def _row(line: Mapping[str, JSON]) -> str:
    mark = "x" if line.get("applies") else " "
    relay, column = shown(line.get("relay")), shown(line.get("column"))
    return f"  {mark} {relay:7}{column:8}{_words(line.get('rule'))}{_compared(line)}"
