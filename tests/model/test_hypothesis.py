"""What would happen with other settings and other readings."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.errors import HypothesisError
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import PackRecord, Snapshot
from custom_components.smartbms.model.hypothesis import hypothetical
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.relays import Relays, Rule
from custom_components.smartbms.model.twin import expected

from .looks import NOW, REV13, seen


def known(snapshot: Snapshot | None) -> Insight:
    """Return what is understood of a BMS that was heard once."""
    decision = None if snapshot is None else expected(REV13, snapshot)
    return Insight(manual=REV13.key, snapshot=snapshot, at=NOW, decision=decision)


def decided(
    settings: dict[str, object], reading: dict[str, object], snapshot: Snapshot | None = None
) -> tuple[Relays, list[Rule]]:
    """Return what would be allowed, and why charging would not."""
    decision = hypothetical(known(snapshot or seen(2, 0)), settings, reading).decision
    assert decision is not None
    return decision.relays, [cause.rule for cause in decision.charge_causes]


def test_v_max_and_critical_mode() -> None:
    """What would happen with V max 3.60 V and critical mode: a cell at 3.62 V ends charging."""
    settings: dict[str, object] = {"v_max": 3.6, "critical_mode": 1}
    assert decided(settings, {}) == (Relays(True, True), [])
    assert decided(settings, {"highest_cell_voltage": 3.62}) == (
        Relays(False, True),
        [Rule.CELL_VOLTAGE_HIGH],
    )


def test_nothing_else_changes() -> None:
    """An empty hypothesis is the BMS as it is, and the real one is not touched."""
    insight = known(seen(2, 0))
    assert hypothetical(insight, {}, {}) == insight
    hypothetical(insight, {"v_max": 3.0}, {"state_of_charge": 1})
    assert insight == known(seen(2, 0))


@pytest.mark.parametrize(
    ("reading", "relays", "causes"),
    [
        ({"lowest_cell_voltage": 2.8}, Relays(True, False), []),
        # The highest cell goes along with the lowest: every cell is at the balance voltage.
        ({"lowest_cell_voltage": 3.42}, Relays(False, True), [Rule.FULL]),
        ({"lowest_cell_voltage": 3.42, "power": 1000}, Relays(True, True), []),
        ({"lowest_temperature": -5}, Relays(False, True), [Rule.TOO_COLD]),
        ({"highest_temperature": 65}, Relays(False, False), [Rule.TOO_HOT]),
        ({"highest_temperature": -20}, Relays(False, False), [Rule.TOO_COLD]),
        ({"lowest_temperature": 65}, Relays(False, False), [Rule.TOO_HOT]),
        ({"balance_voltage": 3.2}, Relays(False, True), [Rule.FULL]),
        ({"highest_cell_voltage": 2.8}, Relays(True, False), []),
    ],
)
def test_other_readings(reading: dict[str, object], relays: Relays, causes: list[Rule]) -> None:
    """Each alone, in the units that a person uses; the other extreme gives way."""
    assert decided({}, reading) == (relays, causes)


def test_the_restarts() -> None:
    """A BMS that is full at 97 % would charge again at 94 %, or with another charge restart."""
    full = seen(status=0x02, state_of_charge=97)
    assert decided({}, {}, full) == (Relays(False, True), [Rule.WAITS_FOR_RESTART])
    assert decided({}, {"state_of_charge": 94}, full) == (Relays(True, True), [])
    assert decided({"charge_restart": 98}, {}, full) == (Relays(True, True), [])


def test_temperatures_on_the_scale_of_the_owner() -> None:
    """T min of 10 degrees is raw 282 by the app, and 286 by the document."""
    for scale, raw in ((TemperatureScale.APP, 282), (TemperatureScale.DOCUMENT, 286)):
        snapshot = replace(seen(), temperature_scale=scale)
        after = hypothetical(known(snapshot), {"t_min_charge": 10}, {}).snapshot
        assert after is not None
        assert after.settings[SettingKey.T_MIN_CHARGE] == raw


def test_an_assumed_extreme_belongs_to_no_cell() -> None:
    """The one that is still measured keeps its cell."""
    after = hypothetical(known(seen()), {}, {"highest_cell_voltage": 3.5, "lowest_temperature": 10}).snapshot
    assert after is not None
    assert after.voltages == (3.295, 2, 3.5, None, 3.4)
    assert after.temperatures is not None
    assert after.temperatures[1::2] == (None, 4)


def test_power_and_the_voltage_of_the_pack() -> None:
    """A power is told as a current; it needs a voltage, the pack's or an assumed one."""
    after = hypothetical(known(seen()), {}, {"voltage": 50, "power": -500}).snapshot
    assert after is not None
    assert after.pack == PackRecord(50, 0.0, -10, 0.0)
    after = hypothetical(known(seen(5, 0)), {}, {"voltage": 50}).snapshot
    assert after is not None
    assert after.pack == PackRecord(50, 5, 5, 0.0)


def test_a_bms_of_which_nothing_is_known() -> None:
    """What is assumed is assumed; what is still missing leaves the question open."""
    assert hypothetical(known(None), {}, {}).decision is None
    insight = hypothetical(
        known(None),
        {"v_max": 3.6},
        {"state_of_charge": 50, "balance_voltage": 3.4, "highest_temperature": 20, "voltage": 52},
    )
    assert insight.decision is None
    assert insight.snapshot is not None
    assert insight.snapshot.voltages == (None, None, None, None, 3.4)


@pytest.mark.parametrize(
    ("settings", "reading", "key", "quantity"),
    [
        ({"v_maximum": 3.6}, {}, "hypothesis_unknown", "v_maximum"),
        ({"pin": 1234}, {}, "hypothesis_unknown", "pin"),
        ({}, {"v_max": 3.6}, "hypothesis_unknown", "v_max"),
        ({5: 3.6}, {}, "hypothesis_unknown", "5"),
        ({"v_max": "3.6"}, {}, "hypothesis_not_a_number", "v_max"),
        ({"v_max": None}, {}, "hypothesis_not_a_number", "v_max"),
        ({"v_max": float("nan")}, {}, "hypothesis_not_a_number", "v_max"),
        ({"capacity": 1e300}, {}, "hypothesis_not_a_number", "capacity"),
        ({"capacity": 10**400}, {}, "hypothesis_not_a_number", "capacity"),
        ({}, {"state_of_charge": [50]}, "hypothesis_not_a_number", "state_of_charge"),
        (
            {},
            {"lowest_cell_voltage": 3.5, "highest_cell_voltage": 3.4},
            "hypothesis_contradicts",
            "lowest_cell_voltage",
        ),
        ({}, {"power": 100, "voltage": 0}, "hypothesis_needs_voltage", "power"),
    ],
)
def test_questions_that_cannot_be_answered(
    settings: dict[str, object], reading: dict[str, object], key: str, quantity: str
) -> None:
    """The error names what is wrong."""
    with pytest.raises(HypothesisError) as raised:
        hypothetical(known(seen()), settings, reading)
    assert (raised.value.key, raised.value.placeholders) == (key, {"quantity": quantity})


def test_power_without_a_pack() -> None:
    """Nothing is known of the voltage, so nothing of the current."""
    with pytest.raises(HypothesisError, match="power"):
        hypothetical(known(None), {}, {"power": 100})
