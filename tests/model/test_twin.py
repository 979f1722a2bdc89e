"""The rules held against what a BMS says."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    Cell,
    EnergyRecord,
    PackRecord,
    Snapshot,
    Status,
    TemperatureRecord,
    VoltageRecord,
)
from custom_components.smartbms.model.profiles import PROFILES, ProfileKey
from custom_components.smartbms.model.relays import Relays
from custom_components.smartbms.model.twin import expected

REV13 = PROFILES[ProfileKey.GEN3_REV13]
SETTINGS = {
    SettingKey.V_MIN: 2.9,
    SettingKey.V_MAX: 3.7,
    SettingKey.T_MIN_CHARGE: 273.0,
    SettingKey.T_MAX: 341.0,
    SettingKey.CAPACITY: 4000.0,
    SettingKey.CHARGE_RESTART: 95.0,
    SettingKey.DISCHARGE_RESTART: 5.0,
}
SNAPSHOT = Snapshot(
    status=Status(0x03, 0x30),
    pack=PackRecord(6.6, 1.0, 1.0, 0.0),
    voltages=VoltageRecord(3.3, 1, 3.3, 2, 3.4),
    temperatures=TemperatureRecord(294, 1, 300, 2),
    cells=(Cell(3.3, 294), Cell(3.3, 300)),
    energy=EnergyRecord(0, 2000, 0, 50),
    settings=SETTINGS,
)


def test_an_ordinary_day() -> None:
    """Both are allowed, and the rules agree."""
    assert expected(REV13, SNAPSHOT) == Relays(True, True)


def test_a_cell_above_v_max() -> None:
    """A BMS that still charges then does not do what its manual says."""
    snapshot = replace(SNAPSHOT, cells=(Cell(3.3, 294), Cell(3.71, 300)))
    assert expected(REV13, snapshot) == Relays(False, True)


@pytest.mark.parametrize("missing", list(SETTINGS))
def test_no_verdict_without_a_setting(missing: SettingKey) -> None:
    """What is not known is not guessed."""
    settings = {key: value for key, value in SETTINGS.items() if key is not missing}
    assert expected(REV13, replace(SNAPSHOT, settings=settings)) is None


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(settings=SETTINGS),
        replace(SNAPSHOT, cells=(Cell(3.3, 294), Cell())),
        replace(SNAPSHOT, temperatures=None),
        replace(SNAPSHOT, temperatures=TemperatureRecord(None, None, 300, 2)),
        replace(SNAPSHOT, temperatures=TemperatureRecord(294, 1, None, None)),
        replace(SNAPSHOT, energy=None),
        replace(SNAPSHOT, energy=EnergyRecord(0, 2000, 0, None)),
        replace(SNAPSHOT, pack=None),
        replace(SNAPSHOT, voltages=None),
        replace(SNAPSHOT, status=Status()),
    ],
)
def test_no_verdict_before_everything_was_heard(snapshot: Snapshot) -> None:
    """A missing reading is no reading."""
    assert expected(REV13, snapshot) is None
