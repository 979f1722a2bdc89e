"""The energy of a bank: it only rises, whoever is added, removed, away or begins anew."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.smartbms.model.tally import Tally

BOTH = Tally().adding({"small": 321_000.0, "large": 650_000.0})


def test_it_begins_as_the_sum() -> None:
    """321 kWh and 650 kWh are 971 kWh."""
    assert BOTH.total == 971_000


def test_it_waits_until_every_battery_has_told() -> None:
    """At a start of Home Assistant the members come one after the other; half a sum is none."""
    tally = Tally().adding({"small": 321_000.0, "large": None})
    assert tally.total is None
    assert tally.adding({"small": 321_005.0, "large": 650_000.0}).total == 971_005
    assert Tally().adding({}).total is None


def test_it_rises_with_each() -> None:
    """20 Wh here and 40 Wh there."""
    tally = BOTH.adding({"small": 321_020.0, "large": 650_000.0})
    assert tally.adding({"small": 321_020.0, "large": 650_040.0}).total == 971_060


def test_nothing_new() -> None:
    """What does not change need not be written down."""
    assert BOTH.adding({"small": 321_000.0, "large": 650_000.0}) is BOTH


def test_a_battery_that_is_away() -> None:
    """The other goes on; what the first has counted meanwhile is added when it is back."""
    tally = BOTH.adding({"small": None, "large": 650_100.0})
    assert tally.total == 971_100
    assert tally.adding({"small": 321_700.0, "large": 650_100.0}).total == 971_800


def test_a_battery_that_is_added() -> None:
    """Its past is no energy of the bank; what it counts from now on is."""
    tally = BOTH.adding({"small": 321_000.0, "large": 650_000.0, "new": 5_000_000.0})
    assert tally.total == 971_000
    assert tally.adding({"small": 321_000.0, "large": 650_000.0, "new": 5_000_070.0}).total == 971_070


def test_a_battery_that_is_removed_and_comes_back() -> None:
    """What it counted while it belonged to the bank stays; what it counts elsewhere is not added."""
    tally = BOTH.adding({"large": 650_010.0})
    assert tally.total == 971_010
    tally = tally.adding({"small": 400_000.0, "large": 650_010.0})
    assert tally.total == 971_010
    assert tally.adding({"small": 400_001.0, "large": 650_010.0}).total == 971_011


def test_a_crash_takes_the_last_minute_of_a_ledger() -> None:
    """It counts that again, and is not added twice."""
    tally = BOTH.adding({"small": 320_900.0, "large": 650_000.0})
    assert tally.total == 971_000
    tally = tally.adding({"small": 320_990.0, "large": 650_000.0})
    assert tally.total == 971_000
    assert tally.adding({"small": 321_030.0, "large": 650_000.0}).total == 971_030


def test_a_ledger_that_begins_anew() -> None:
    """Its storage was deleted, and its BMS cleared: it goes on from there."""
    tally = BOTH.adding({"small": 0.0, "large": 650_000.0})
    assert tally.total == 971_000
    assert tally.adding({"small": 30.0, "large": 650_000.0}).total == 971_030


def test_a_restart() -> None:
    """What was written down is what was there."""
    assert Tally.from_json(json.loads(json.dumps(BOTH.as_json()))) == BOTH
    assert Tally.from_json(Tally().as_json()) == Tally()


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {},
        {"total": 5.0},
        {"total": "much", "seen": {}},
        {"total": True, "seen": {}},
        {"total": float("nan"), "seen": {}},
        {"total": 10**400, "seen": {}},
    ],
)
def test_what_cannot_be_read(stored: object) -> None:
    """Is as if nothing had been stored."""
    assert Tally.from_json(stored) == Tally()


def test_a_member_that_cannot_be_read() -> None:
    """Is new."""
    assert Tally.from_json({"total": 5.0, "seen": {"small": "much", "large": 3}}) == Tally(
        5.0, {"large": 3.0}
    )


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]), st.none() | st.floats(0, 1e7), min_size=1, max_size=3
        ),
        max_size=30,
    )
)
def test_it_never_falls(looks: list[dict[str, float | None]]) -> None:
    """Whatever the ledgers say, and whoever is a member."""
    tally, last = Tally(), 0.0
    for ledgers in looks:
        tally = tally.adding(ledgers)
        assert tally.total is None or tally.total >= last
        last = tally.total or last
        assert Tally.from_json(json.loads(json.dumps(tally.as_json()))) == tally
