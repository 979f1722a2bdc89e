"""What is remembered: through a restart, through a clock that jumps, and whatever the BMS says."""

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, settings as run, strategies as st
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
from custom_components.smartbms.model.diagnosis import Evidence, FindingKey, findings, observe
from custom_components.smartbms.model.profiles import PROFILES, Profile
from custom_components.smartbms.model.twin import expected

from .looks import BOTH_BLOCKED, NOW, REV13, found, seen, watched
from .test_cell_findings import CURRENTS, at_rest, hours, loaded
from .test_charger_findings import CHARGING, COMBINED, TRIPPED, WAITING
from .test_sensor_findings import house


def stored(evidence: Evidence) -> Evidence:
    """Return evidence after a restart: written as JSON and read back."""
    return Evidence.from_json(json.loads(json.dumps(evidence.as_json())))


def test_a_restart_forgets_nothing() -> None:
    """Everything that is remembered comes back as it was."""
    for evidence in (
        Evidence(),
        watched([CHARGING, TRIPPED]),
        watched(house(40, load_sign=-1)),
        watched([seen(0, 1.2, status=BOTH_BLOCKED)] * 12),
        watched([loaded(current, 0.0015) for current in CURRENTS * 2]),
        watched([COMBINED, *[WAITING] * 12]),
        hours(24, -40, hours(240, 2)),
    ):
        assert stored(evidence) == evidence


def test_a_finding_survives_a_restart() -> None:
    """The owner restarts Home Assistant; the charger is still set too high."""
    evidence = stored(watched([CHARGING, TRIPPED]))
    assert FindingKey.CHARGER_VOLTAGE_TOO_HIGH in found(evidence, seen())


@pytest.mark.parametrize("data", [None, 5, "evidence", [], {}, {"charger": None}, {"rest": {"a": 1}}])
def test_what_was_never_stored(data: object) -> None:
    """Nothing, or something else, is no evidence."""
    assert Evidence.from_json(data) == Evidence()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("charger", [55.1, True, 5, 57.0]),
        ("charger", [55.1, None, 5, 57.0, 5]),
        ("charger", ["55.1", True, 5, 57.0, 5]),
        ("charger", [float("nan"), True, 5, 57.0, 5]),
        ("charger", [10**400, True, 5, 57.0, 5]),
        ("calibration", [NOW]),
        ("calibration", [NOW, "yesterday"]),
        ("resting", [12, 60.0, 0.0, 10.0, 100, 9]),
        ("resting", [12, 60.0, 0.0, 10.0, 100, 1.5]),
        ("recent", [0.0] * 16),
        ("long_term", [0.0] * 256),
        ("long_term", ["a"]),
    ],
)
def test_a_damaged_part_is_forgotten(part: str, value: object) -> None:
    """And the others are kept."""
    data = watched([seen()] * 3).as_json()
    data["idle"] = [True, 7, 35.0]
    data[part] = value
    evidence = Evidence.from_json(data)
    assert (evidence.charger, evidence.rest.recent, evidence.rest.state.drifting) == (
        Evidence().charger,
        (),
        None,
    )
    assert evidence.idle == (True, 7, 35.0)


def test_a_clock_that_goes_back() -> None:
    """By a week, in the middle of everything: nothing is found, and nothing that was found is lost."""
    evidence = watched([CHARGING, TRIPPED])
    assert evidence.seen is not None
    back = replace(evidence, seen=evidence.seen + 7 * 86400)
    assert set(found(watched([seen()] * 5, back), seen())) == {FindingKey.CHARGER_VOLTAGE_TOO_HIGH}


@pytest.mark.parametrize("jump", [-400 * 86400.0, 400 * 86400.0])
def test_a_clock_that_jumps_finds_nothing(jump: float) -> None:
    """A year ahead or back is not a year without calibration, nor a minute of anything."""
    looks = [seen(0, 1.2, status=BOTH_BLOCKED)] * 2
    evidence = watched(looks)
    assert evidence.seen is not None
    jumped = observe(evidence, REV13, looks[0], expected(REV13, looks[0]), evidence.seen + jump)
    assert found(jumped, looks[0]) == {}
    assert jumped.days_since_full is not None
    assert jumped.days_since_full < 1.01


VOLTS = st.none() | st.sampled_from([0.0, 2.5, 2.9, 3.3, 3.4, 3.45, 3.7, 3.8, 6.0])
AMPERES = st.none() | st.sampled_from([-2500.0, -30.0, -1.2, -0.1, 0.0, 0.1, 1.2, 30.0, 2500.0])
CELL = st.none() | st.integers(1, 255)
RAW = st.none() | st.sampled_from([155, 270, 273, 300, 341, 345, 504])
SETTING = st.sampled_from([0.0, 1.0, 2.3, 2.9, 3.4, 3.7, 5.0, 95.0, 273.0, 5280.0, 6553500.0])


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Return anything that a client may know of a BMS, and much that no BMS says."""
    maybe = st.booleans()
    cell = st.builds(Cell, VOLTS, RAW)
    voltages = st.builds(VoltageRecord, VOLTS, CELL, VOLTS, CELL, VOLTS)
    percent = st.none() | st.integers(0, 100)
    return Snapshot(
        status=Status(draw(st.none() | st.integers(0, 255)), draw(st.none() | st.integers(0, 255))),
        pack=draw(
            st.builds(PackRecord, st.none() | st.floats(0, 1600), AMPERES, AMPERES, AMPERES)
            if draw(maybe)
            else st.none()
        ),
        voltages=draw(voltages if draw(maybe) else st.none()),
        temperatures=draw(st.builds(TemperatureRecord, RAW, CELL, RAW, CELL) if draw(maybe) else st.none()),
        cells=tuple(draw(st.lists(cell, max_size=5))),
        energy=draw(st.builds(EnergyRecord, percent, percent, percent, percent) | st.none()),
        settings=draw(st.dictionaries(st.sampled_from(SettingKey), SETTING)),
        version_balance_voltage=draw(VOLTS),
    )


MOMENTS = st.lists(
    st.tuples(snapshots(), st.sampled_from([0.0, 1.0, 5.0, 60.0, 3600.0, -5.0, 1e9, -1e9])), max_size=12
)


@given(st.sampled_from(list(PROFILES.values())), MOMENTS)
@run(max_examples=150, deadline=None)
def test_whatever_the_bms_says(profile: Profile, moments: list[tuple[Snapshot, float]]) -> None:
    """No snapshot and no clock raises, and what is remembered survives a restart."""
    evidence, now = Evidence(), NOW
    for snapshot, elapsed in moments:
        now += elapsed
        evidence = observe(evidence, profile, snapshot, expected(profile, snapshot), now)
        keys = [finding.key for finding in findings(evidence, profile, snapshot, now)]
        assert len(keys) == len(set(keys))
    assert stored(evidence) == evidence


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda each: st.lists(each, max_size=7) | st.dictionaries(st.text(max_size=3), each, max_size=3),
    max_leaves=10,
)
NUMBERS = st.none() | st.booleans() | st.integers(-3, 300) | st.floats(-1e13, 1e13)


@given(st.data())
@run(max_examples=200, deadline=None)
def test_whatever_was_stored(data: st.DataObject) -> None:
    """Damaged storage raises neither when it is read nor later."""
    good: dict[str, Any] = Evidence().as_json()
    wrong = {
        key: data.draw(st.lists(NUMBERS, min_size=len(value), max_size=max(len(value), 3)) | JSONS)
        for key, value in good.items()
    }
    evidence = Evidence.from_json(wrong)
    for look in (at_rest(5), TRIPPED, loaded(20, 0.001), seen(0, 1.2, status=BOTH_BLOCKED)):
        found(evidence, look)
        evidence = observe(evidence, REV13, look, expected(REV13, look), NOW)
    assert isinstance(Evidence.from_json(data.draw(JSONS)), Evidence)
