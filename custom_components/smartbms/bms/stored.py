"""What is known of one BMS <-> JSON: in Home Assistant's storage and in a diagnostics download.

Whatever comes back has been through somebody's hands: a value that the BMS could not have said is
"not known" again, and nothing raises.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
import re
from types import MappingProxyType
from typing import Final, cast

from .blocks import LOG_QUERIES
from .device import TemperatureScale
from .records import MAX_CELLS, Field, layout_of
from .settings import SETTINGS, SettingKey
from .state import (
    BatteryEnergyRecord,
    Cell,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    LogEntry,
    LogEvent,
    PackRecord,
    Record,
    Snapshot,
    Status,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)

type JSON = dict[str, JSON] | list[JSON] | str | float | bool | None

_RECORDS: Final = ("pack", "voltages", "temperatures", "energy", "totals", "health", "battery_energy")
_FIRMWARE: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,8}){1,2}")
_CELL: Final = layout_of(CellRecord).fields
_BYTE: Final = Field(1, 0, 0xFF, 2)
_LONG: Final = Field(1, 0, 0xFFFFFFFF, 8)


def as_json(snapshot: Snapshot) -> dict[str, JSON]:
    """Return a snapshot as JSON: values in the units of the records, "not known" as null.

    `balance_voltage` follows from the others; it is there for people.
    """
    records = {name: getattr(snapshot, name) for name in _RECORDS}
    return {
        "firmware": snapshot.firmware,
        "status": asdict(snapshot.status),
        **{name: None if record is None else record._asdict() for name, record in records.items()},
        "cells": [cell._asdict() for cell in snapshot.cells],
        "settings": {key.value: value for key, value in snapshot.settings.items()},
        "settings_verified": snapshot.settings_verified,
        "balance_voltage": snapshot.balance_voltage,
        "version_balance_voltage": snapshot.version_balance_voltage,
        "temperature_scale": snapshot.temperature_scale.value,
    }


def from_json(data: object) -> Snapshot | None:
    """Return the snapshot that `as_json` wrote, or `None` when this is none.

    What is missing, damaged or out of the range of its record is not known.
    """
    if not isinstance(data, Mapping) or not {"status", "cells", "settings"} <= data.keys():
        return None
    cells = _cells(data["cells"])
    firmware, scale = data.get("firmware"), data.get("temperature_scale")
    voltages = _record(VoltageRecord, data.get("voltages"))
    temperatures = _record(TemperatureRecord, data.get("temperatures"))
    return Snapshot(
        firmware=firmware if isinstance(firmware, str) and _FIRMWARE.fullmatch(firmware) else None,
        status=_status(_mapping(data["status"])),
        pack=_record(PackRecord, data.get("pack")),
        voltages=voltages if _is_within(voltages, cells) else None,
        temperatures=temperatures if _is_within(temperatures, cells) else None,
        cells=cells,
        energy=_record(EnergyRecord, data.get("energy")),
        totals=_record(TotalsRecord, data.get("totals")),
        health=_record(HealthRecord, data.get("health")),
        battery_energy=_record(BatteryEnergyRecord, data.get("battery_energy")),
        settings=MappingProxyType(_settings(_mapping(data["settings"]))),
        settings_verified=data.get("settings_verified") is True,
        version_balance_voltage=_number(_CELL[2], data.get("version_balance_voltage")),
        temperature_scale=next(
            (each for each in TemperatureScale if each.value == scale), TemperatureScale.APP
        ),
    )


def log_as_json(log: Sequence[LogEntry]) -> list[JSON]:
    """Return entries of the device's log as JSON; an event is its number on the wire."""
    return [asdict(entry) | {"event": entry.event.value} for entry in log]


def log_from_json(data: object) -> tuple[LogEntry, ...] | None:
    """Return the entries that `log_as_json` wrote but for unreadable ones, or `None` when this is no log.

    Of more than a BMS has the last are taken.
    """
    if not isinstance(data, list):
        return None
    return tuple(
        entry for each in data[-len(LOG_QUERIES) :] if (entry := _log_entry(_mapping(each))) is not None
    )


def _mapping(data: object) -> Mapping[object, object]:
    return data if isinstance(data, Mapping) else {}


def _whole(field: Field, value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if field.low <= value <= field.high else None


def _number(field: Field, value: object) -> float | None:
    """Return a value that a field can hold; a comparison with what is not a number is false."""
    if field.per_unit == 1:
        return _whole(field, value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if field.low / field.per_unit <= value <= field.high / field.per_unit else None


def _record[R: Record](kind: type[R], data: object) -> R | None:
    """Return a record whose every field is in its range; `None` where it contradicts itself."""
    if not isinstance(data, Mapping):
        return None
    # The table pairs each record with fields of its own types; the type system cannot follow.
    layout = layout_of(cast(type[Record], kind))
    values = [_number(field, data.get(name)) for name, field in zip(kind._fields, layout.fields, strict=True)]
    record = cast(Callable[..., R], kind)(*values)
    return record if layout.check is None or layout.check(record) else None


def _cells(data: object) -> tuple[Cell, ...]:
    if not isinstance(data, list) or len(data) > MAX_CELLS:
        return ()
    return tuple(_cell(_mapping(each)) for each in data)


def _cell(data: Mapping[object, object]) -> Cell:
    raw = _whole(_CELL[3], data.get("temperature_raw"))
    return Cell(_number(_CELL[2], data.get("voltage")), raw)


def _status(data: Mapping[object, object]) -> Status:
    return Status(_whole(_BYTE, data.get("first")), _whole(_BYTE, data.get("second")))


def _is_within(record: VoltageRecord | TemperatureRecord | None, cells: Sequence[Cell]) -> bool:
    """Whether the cells that an extreme names are in the pack, as far as its size is known."""
    return record is None or not cells or max(record.lowest_cell or 0, record.highest_cell or 0) <= len(cells)


def _settings(data: Mapping[object, object]) -> dict[SettingKey, float]:
    """Return the settings that the wire could have brought."""
    return {
        key: value
        for key, setting in SETTINGS.items()
        if isinstance(value := data.get(key.value), int | float)
        and not isinstance(value, bool)
        and 0 <= value <= setting.encodable[1]
    }


def _log_entry(data: Mapping[object, object]) -> LogEntry | None:
    timestamp, value = _whole(_LONG, data.get("timestamp")), _whole(_LONG, data.get("value"))
    event, cell = _whole(_BYTE, data.get("event")), _whole(_BYTE, data.get("cell"))
    if timestamp is None or value is None or cell is None or event is None or event not in LogEvent:
        return None
    return LogEntry(timestamp, LogEvent(event), value, cell)
