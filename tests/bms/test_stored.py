"""A snapshot that goes into a file and comes back, however the file was treated meanwhile."""

from collections.abc import Mapping
from dataclasses import replace
import json
from types import MappingProxyType

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    Cell,
    EnergyRecord,
    HealthRecord,
    LogEntry,
    LogEvent,
    PackRecord,
    Snapshot,
    Status,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)
from custom_components.smartbms.bms.stored import as_json, from_json, log_as_json, log_from_json

FAST = settings(max_examples=200, deadline=None, database=None)

KNOWN = Snapshot(
    firmware="3.3.11",
    status=Status(0x83, 0x30),
    pack=PackRecord(6.615, 25.0, 21.95, None),
    voltages=VoltageRecord(3.305, 2, 3.31, 1, 3.4),
    temperatures=TemperatureRecord(293, 1, 294, 2, 4),
    cells=(Cell(3.31, 293), Cell(3.305, None)),
    energy=EnergyRecord(1234, 8000, 567, 50),
    totals=TotalsRecord(321, 298, 9, 30),
    health=HealthRecord(None, 2280, 2300, 99, 15.13, 15.02),
    battery_energy=BatteryEnergyRecord(289, 274, 1000, 2000),
    settings=MappingProxyType({SettingKey.V_MAX: 3.7, SettingKey.CAPACITY: 16000}),
    settings_verified=False,
    version_balance_voltage=3.45,
    temperature_scale=TemperatureScale.DOCUMENT,
)
STORED: dict[str, object] = {
    "firmware": "3.3.11",
    "status": {"first": 131, "second": 48},
    "pack": {"voltage": 6.615, "charge_current": 25.0, "battery_current": 21.95, "load_current": None},
    "voltages": {"lowest": 3.305, "lowest_cell": 2, "highest": 3.31, "highest_cell": 1, "balance": 3.4},
    "temperatures": {
        "lowest_raw": 293,
        "lowest_cell": 1,
        "highest_raw": 294,
        "highest_cell": 2,
        "newest_log_entry": 4,
    },
    "energy": {"collected_today": 1234, "stored": 8000, "consumed_today": 567, "state_of_charge": 50},
    "totals": {"collected": 321, "consumed": 298, "hour": 9, "minute": 30},
    "health": {
        "state_of_health": None,
        "measured_capacity": 2280,
        "measured_charge_capacity": 2300,
        "charge_efficiency": 99,
        "charge_cycles": 15.13,
        "discharge_cycles": 15.02,
    },
    "battery_energy": {
        "charged": 289,
        "discharged": 274,
        "charged_today": 1000,
        "discharged_today": 2000,
    },
    "cells": [{"voltage": 3.31, "temperature_raw": 293}, {"voltage": 3.305, "temperature_raw": None}],
    "settings": {"v_max": 3.7, "capacity": 16000},
    "settings_verified": False,
    "balance_voltage": 3.4,
    "version_balance_voltage": 3.45,
    "temperature_scale": "document",
}


def changed(*path: str, to: object) -> dict[str, object]:
    """Return what was stored with one value changed."""
    data: dict[str, object] = json.loads(json.dumps(STORED))
    *way, last = path
    place = data
    for step in way:
        found = place[step]
        assert isinstance(found, dict)
        place = found
    place[last] = to
    return data


def read(data: object) -> Snapshot:
    """Return the snapshot that was stored."""
    snapshot = from_json(data)
    assert snapshot is not None
    return snapshot


def test_what_is_stored() -> None:
    """Every record, every cell, every setting by its name, in its unit."""
    assert as_json(KNOWN) == STORED


def test_what_comes_back() -> None:
    """Through a file it is the same snapshot."""
    assert read(json.loads(json.dumps(as_json(KNOWN)))) == KNOWN


def test_nothing_known_yet() -> None:
    """What is not known stays so."""
    assert read(json.loads(json.dumps(as_json(Snapshot())))) == Snapshot()


@pytest.mark.parametrize("data", [None, [], "text", 3, {}, {"cells": [], "settings": {}}, {"data": STORED}])
def test_something_else(data: object) -> None:
    """What was never a snapshot is none."""
    assert from_json(data) is None


def test_a_snapshot_without_much() -> None:
    """Parts that are missing or no parts at all are not known."""
    assert read({"status": None, "cells": None, "settings": []}) == Snapshot(settings_verified=False)
    assert read(changed("pack", to=[6.6, 25.0])) == replace(KNOWN, pack=None)
    assert read(changed("cells", to=[3.31, {"voltage": 3.305}])).cells == (Cell(), Cell(3.305, None))
    assert read(changed("temperature_scale", to="kelvin")).temperature_scale is TemperatureScale.APP
    assert read(changed("temperature_scale", to=["app"])).temperature_scale is TemperatureScale.APP
    assert not read(changed("settings_verified", to="yes")).settings_verified


@pytest.mark.parametrize("firmware", [None, 3, "", "3", "3.3.11.1", "3.3.x", "<b>3.3</b>", "9999.1"])
def test_a_firmware_that_is_none(firmware: object) -> None:
    """A version is two or three short numbers."""
    assert read(changed("firmware", to=firmware)).firmware is None


def test_a_long_build_number() -> None:
    """A build of more digits than any so far comes back too."""
    assert read(as_json(replace(KNOWN, firmware="3.3.4095"))).firmware == "3.3.4095"


@pytest.mark.parametrize(
    "value", [-0.005, 1530.005, "53.04", True, float("nan"), float("inf"), 10**400, [53.0]]
)
def test_a_voltage_that_no_pack_has(value: object) -> None:
    """Out of the range of the record only the field is not known."""
    assert read(changed("pack", "voltage", to=value)).pack == PackRecord(None, 25.0, 21.95, None)


@pytest.mark.parametrize("value", [-1, 101, 50.5, "50", True, None])
def test_a_state_of_charge_that_is_none(value: object) -> None:
    """Percent are whole, and between 0 and 100."""
    assert read(changed("energy", "state_of_charge", to=value)).energy == EnergyRecord(1234, 8000, 567, None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("voltages", "lowest"), 3.315),
        (("voltages", "highest_cell"), 3),
        (("temperatures", "highest_raw"), 292),
        (("temperatures", "lowest_cell"), 255),
    ],
)
def test_extremes_that_contradict(path: tuple[str, str], value: object) -> None:
    """Lowest above highest, or of a cell that is not in the pack: the record is not known."""
    snapshot = read(changed(*path, to=value))
    without = replace(KNOWN, voltages=None) if path[0] == "voltages" else replace(KNOWN, temperatures=None)
    assert snapshot == without


def test_extremes_before_the_number_of_cells_is_known() -> None:
    """While nobody knows how many cells there are any of them may have an extreme."""
    assert read(changed("cells", to=[])) == replace(KNOWN, cells=())


def test_more_cells_than_there_can_be() -> None:
    """A BMS has 255 cells at most."""
    assert len(read(changed("cells", to=[{}] * 255)).cells) == 255
    assert read(changed("cells", to=[{}] * 256)).cells == ()


@pytest.mark.parametrize("cell", [{"voltage": 6.005, "temperature_raw": 505}, {"temperature_raw": 290.5}])
def test_a_cell_out_of_range(cell: dict[str, float]) -> None:
    """No cell board reaches 6 V, or 200 degrees."""
    assert read(changed("cells", to=[cell])).cells == (Cell(None, None),)


@pytest.mark.parametrize("byte", [-1, 256, 3.0, "3", False])
def test_a_status_that_is_no_byte(byte: object) -> None:
    """What is no byte says nothing."""
    assert read(changed("status", "first", to=byte)).status == Status(None, 0x30)


@pytest.mark.parametrize(
    ("key", "value"), [("v_max", 327.68), ("v_max", -1), ("v_max", "3.7"), ("v_max", True)]
)
def test_a_setting_out_of_range(key: str, value: object) -> None:
    """A setting that the wire could not have brought is not known."""
    assert read(changed("settings", key, to=value)).settings == {SettingKey.CAPACITY: 16000}


def test_a_setting_that_does_not_exist() -> None:
    """Names that nobody knows are left out."""
    assert read(changed("settings", "colour", to=3)).settings == KNOWN.settings


LOG = (LogEntry(400, LogEvent.VOLTAGE_LOW, 575, 7), LogEntry(90000, LogEvent.COMMUNICATION, 0, 8))
STORED_LOG = [
    {"timestamp": 400, "event": 1, "value": 575, "cell": 7},
    {"timestamp": 90000, "event": 5, "value": 0, "cell": 8},
]


def test_a_log_that_is_too_long() -> None:
    """A BMS has ten entries, so the last ten are believed."""
    stored = [{"timestamp": number, "event": 5, "value": 0, "cell": 8} for number in range(5000)]
    log = log_from_json(stored)
    assert log is not None
    assert [entry.timestamp for entry in log] == list(range(4990, 5000))


def test_the_log() -> None:
    """Entries of the device's log, in their order."""
    assert json.loads(json.dumps(log_as_json(LOG))) == STORED_LOG
    assert log_from_json(STORED_LOG) == LOG
    assert log_from_json([]) == ()


@pytest.mark.parametrize("data", [None, {}, "L0", 3])
def test_no_log(data: object) -> None:
    """What is no list is no log."""
    assert log_from_json(data) is None


@pytest.mark.parametrize(
    "change", [{"timestamp": -1}, {"event": 7}, {"event": None}, {"value": "575"}, {"cell": 256}]
)
def test_a_log_entry_that_is_damaged(change: dict[str, object]) -> None:
    """An entry that cannot be read is left out, the others stay."""
    assert log_from_json([STORED_LOG[0] | change, None, STORED_LOG[1]]) == LOG[1:]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    (key,) if not isinstance(part, Mapping) else (key, inner)
    for key, part in STORED.items()
    for inner in (part if isinstance(part, Mapping) else ("",))
]


@FAST
@given(JSON)
def test_anything_at_all(data: object) -> None:
    """Whatever the file holds, nothing breaks."""
    from_json(data)
    log_from_json(data)


@FAST
@given(st.sampled_from(PLACES), JSON)
def test_anything_anywhere(place: tuple[str, ...], value: object) -> None:
    """Whatever stands in one place, what comes back can be stored and is the same again."""
    snapshot = from_json(changed(*place, to=value))
    assert snapshot is not None
    assert from_json(json.loads(json.dumps(as_json(snapshot)))) == snapshot
    log_from_json([STORED_LOG[0] | {place[-1]: value}])
