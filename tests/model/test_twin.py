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
from custom_components.smartbms.model.relays import Cause, Decision, Relays, Rule
from custom_components.smartbms.model.twin import (
    Explanation,
    differs,
    expected,
    explain_charge,
    explain_discharge,
    patience,
    reading_of,
)

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
    assert expected(REV13, SNAPSHOT) == Decision(Relays(True, True))
    assert explain_charge(expected(REV13, SNAPSHOT), SNAPSHOT) == Explanation(True, ())
    assert explain_discharge(expected(REV13, SNAPSHOT), SNAPSHOT) == Explanation(True, ())


HIGH = replace(SNAPSHOT, voltages=VoltageRecord(3.3, 1, 3.71, 2, 3.4))


def test_a_cell_above_v_max() -> None:
    """A BMS that still charges then does not do what its manual says."""
    decision = expected(REV13, HIGH)
    assert decision is not None
    assert decision.relays == Relays(False, True)


def test_blocked_and_explained() -> None:
    """Charging is blocked, and the cell that blocks it is named."""
    blocked = replace(HIGH, status=Status(0x12, 0x20))
    assert explain_charge(expected(REV13, blocked), blocked) == Explanation(
        False,
        (
            Cause(Rule.CELL_VOLTAGE_HIGH, 3.7, 3.71, 2),
            Cause(Rule.ABOVE_BALANCE_VOLTAGE, 3.4, 3.71, 2),
        ),
    )


def test_blocked_without_a_reason() -> None:
    """The rules would allow what the BMS does not: nothing is made up."""
    blocked = replace(SNAPSHOT, status=Status(0x00, 0x00))
    decision = expected(REV13, blocked)
    assert explain_charge(decision, blocked) == Explanation(False, ())
    assert explain_discharge(decision, blocked) == Explanation(False, ())


def test_a_broken_chain() -> None:
    """Without the cells' word nothing is allowed, and that is the reason."""
    broken = replace(SNAPSHOT, status=Status(0x04, 0x00), voltages=None, temperatures=None)
    broken = replace(broken, version_balance_voltage=3.4)
    decision = expected(REV13, broken)
    assert explain_charge(decision, broken) == Explanation(False, (Cause(Rule.NO_COMMUNICATION),))
    assert explain_discharge(decision, broken) == Explanation(False, (Cause(Rule.NO_COMMUNICATION),))


def test_nothing_is_said_before_the_bms_has_spoken() -> None:
    """Neither whether it is allowed nor why it is not."""
    assert explain_charge(None, Snapshot()) is None
    assert explain_discharge(None, replace(SNAPSHOT, status=Status(0x01))) is None


@pytest.mark.parametrize("missing", list(SETTINGS))
def test_no_verdict_without_a_setting(missing: SettingKey) -> None:
    """What is not known is not guessed."""
    settings = {key: value for key, value in SETTINGS.items() if key is not missing}
    assert expected(REV13, replace(SNAPSHOT, settings=settings)) is None


def test_no_verdict_with_balancing_switched_off() -> None:
    """The manuals do not say what full means then."""
    off = replace(SNAPSHOT, voltages=VoltageRecord(3.3, 1, 3.3, 2, 0.0))
    assert expected(REV13, off) is None


def test_the_hysteresis_of_newer_firmware() -> None:
    """Without it there is none; with it the load waits for V min and 0.1 V."""
    low = replace(SNAPSHOT, status=Status(0x01, 0x10), voltages=VoltageRecord(2.95, 1, 3.3, 2, 3.4))
    assert expected(REV13, low) == Decision(Relays(True, True))
    newer = replace(low, settings={**SETTINGS, SettingKey.V_MIN_HYSTERESIS: 0.1})
    assert explain_discharge(expected(REV13, newer), newer) == Explanation(
        False, (Cause(Rule.CELL_VOLTAGE_LOW, 3.0, 2.95, 1),)
    )


def test_the_average_cell() -> None:
    """The pack voltage over the number of cells, which full means in critical mode; not a guess."""
    reading = reading_of(SNAPSHOT)
    assert reading is not None and reading.average_voltage == pytest.approx(3.3)
    without_cells = reading_of(replace(SNAPSHOT, cells=()))
    assert without_cells is not None and without_cells.average_voltage is None


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(settings=SETTINGS),
        replace(SNAPSHOT, voltages=VoltageRecord(None, None, 3.3, 2, 3.4)),
        replace(SNAPSHOT, voltages=VoltageRecord(3.3, 1, None, None, 3.4)),
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


def test_a_bms_that_differs() -> None:
    """It charges with a cell above V max; or it does what the manual says; or nobody can tell."""
    assert differs(expected(REV13, HIGH), HIGH) is True
    assert differs(expected(REV13, SNAPSHOT), SNAPSHOT) is False
    assert differs(None, SNAPSHOT) is None


def test_patience() -> None:
    """The longest of its own delays, and a minute."""
    assert patience({}) == 60
    assert patience({SettingKey.CHARGE_RESTART_DELAY: 300, SettingKey.CHARGE_PAUSE_DELAY: 10}) == 360
