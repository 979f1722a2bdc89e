"""Which relay a change would switch off at once."""

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.bms.writes import Change
from custom_components.smartbms.model.foresight import SwitchedOff, foreseen, switched_off
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.relays import Cause, Relay, Rule

from .looks import BROKEN, CHARGE_BLOCKED, REV13, seen

K = SettingKey
OUTPUTS = {
    K.CHARGE_RELAY_FORCE: 0.0,
    K.CHARGE_RELAY_FUNCTION: 1.0,
    K.CHARGE_RELAY_INVERT: 0.0,
    K.LOAD_RELAY_FORCE: 0.0,
    K.LOAD_RELAY_FUNCTION: 2.0,
    K.LOAD_RELAY_INVERT: 0.0,
}


def off(change: dict[SettingKey, float], snapshot: Snapshot | None = None) -> tuple[SwitchedOff, ...]:
    """Return what a change would switch off of a pack whose cells are between 3.295 and 3.305 V."""
    snapshot = snapshot or seen(2, 0, settings=OUTPUTS)
    insight = Insight(manual=REV13.key, snapshot=snapshot)
    return switched_off(insight, snapshot.settings, {**snapshot.settings, **change})


def test_v_max_below_the_highest_cell() -> None:
    """Cell 5 is at 3.305 V: with V max at 3.3 V charging ends at once."""
    cause = Cause(Rule.CELL_VOLTAGE_HIGH, 3.3, 3.305, 5)
    assert off({K.V_MAX: 3.3}) == (SwitchedOff(Relay.CHARGE, (cause,)),)
    assert off({K.V_MAX: 3.35}) == ()


def test_v_min_above_the_lowest_cell() -> None:
    """Cell 2 is at 3.295 V: with V min at 3.3 V the load is taken away."""
    cause = Cause(Rule.CELL_VOLTAGE_LOW, 3.3, 3.295, 2)
    assert off({K.V_MIN: 3.3}) == (SwitchedOff(Relay.LOAD, (cause,)),)


def test_a_value_in_between() -> None:
    """V min from 2.9 V, 0x0244, to 2.5 V, 0x01F4: 0x02F4, 3.78 V, takes the load away for a moment."""
    snapshot = seen(2, 0, settings=OUTPUTS)
    insight = Insight(manual=REV13.key, snapshot=snapshot)

    def on_the_way(*changes: Change) -> tuple[SwitchedOff, ...]:
        return foreseen(insight, snapshot.settings, changes)

    assert snapshot.settings[K.V_MIN] == 2.9
    cause = Cause(Rule.CELL_VOLTAGE_LOW, 3.78, 3.295, 2)
    assert on_the_way(Change(K.V_MIN, 2.5)) == (SwitchedOff(Relay.LOAD, (cause,), in_between=True),)
    # One byte: 2.6 V is 0x0208.
    assert on_the_way(Change(K.V_MIN, 2.6)) == ()
    assert on_the_way() == ()
    # What stays off is not off for a moment only.
    (off_for_good,) = on_the_way(Change(K.V_MIN, 3.3))
    assert not off_for_good.in_between


def test_t_max_below_the_warmest_cell() -> None:
    """Too hot is too hot for both."""
    assert [each.relay for each in off({K.T_MAX: 299.0})] == [Relay.CHARGE, Relay.LOAD]


def test_what_is_off_already_is_not_switched_off() -> None:
    """While charging is blocked, a lower V max changes nothing at once; nor without the cells."""
    assert off({K.V_MAX: 3.3}, seen(0, 2, status=CHARGE_BLOCKED)) == ()
    assert off({K.V_MAX: 3.3}, seen(0, 2, status=BROKEN)) == ()


def test_what_the_manual_wants_off_already_is_not_switched_off_by_a_change() -> None:
    """Cell 5 is above V max, and the BMS takes its time: that is not due to the hysteresis."""
    assert off({K.V_MAX_HYSTERESIS: 0.1}, seen(2, 0, highest=3.71)) == ()


@pytest.mark.parametrize(
    ("change", "relay"),
    [
        ({K.CHARGE_RELAY_INVERT: 1.0}, Relay.CHARGE),
        ({K.LOAD_RELAY_INVERT: 1.0}, Relay.LOAD),
    ],
)
def test_an_inverted_relay_opens(change: dict[SettingKey, float], relay: Relay) -> None:
    """What was closed is open then, whatever is allowed."""
    assert off(change) == (SwitchedOff(relay),)


def test_a_function_that_is_blocked_opens_the_relay() -> None:
    """Charging is blocked: the load relay opens when it follows charging from now on."""
    snapshot = seen(0, 2, status=CHARGE_BLOCKED, settings=OUTPUTS)
    assert off({K.LOAD_RELAY_FUNCTION: 1.0}, snapshot) == (SwitchedOff(Relay.LOAD),)
    assert off({K.CHARGE_RELAY_FUNCTION: 2.0}, snapshot) == ()


def test_a_relay_that_is_not_kept_on_any_more() -> None:
    """Charging is blocked, and only the forced position keeps its relay closed."""
    kept_on = seen(0, 2, status=CHARGE_BLOCKED, settings={**OUTPUTS, K.CHARGE_RELAY_FORCE: 2.0})
    assert off({K.CHARGE_RELAY_FORCE: 0.0}, kept_on) == (SwitchedOff(Relay.CHARGE),)


def test_what_is_switched_off_by_name_is_no_surprise() -> None:
    """Who forces a relay off wants it off."""
    assert off({K.CHARGE_RELAY_FORCE: 1.0}) == ()
    assert off({K.CHARGE_RELAY_OFF: 1.0}) == ()


def test_another_function() -> None:
    """A main relay is closed while both are allowed; a pre-alarm would open the charger's contact."""
    assert off({K.CHARGE_RELAY_FUNCTION: 3.0}) == ()
    assert off({K.CHARGE_RELAY_FUNCTION: 4.0}) == (SwitchedOff(Relay.CHARGE),)


def test_of_a_bms_that_was_never_heard_nothing_is_foreseen() -> None:
    """Nor of one that has not told all its thresholds."""
    assert switched_off(Insight(), {}, {K.V_MAX: 3.3}) == ()
    assert off({K.V_MAX: 3.3}, Snapshot()) == ()
