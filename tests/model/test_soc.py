"""The state of charge of the manuals: counted, set right, foretold (protocol.md 11.5 and 11.7)."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.smartbms.model.profiles import PROFILES, Profile, ProfileKey
from custom_components.smartbms.model.relays import Extreme, Limits, Reading, Relays, Rule, decide
from custom_components.smartbms.model.soc import (
    Charge,
    Prediction,
    Trend,
    count,
    follow,
    predict,
    time_to_empty,
    time_to_full,
)

from .ordinary import LIMITS, ON, READING

CRITICAL = replace(LIMITS, critical_mode=True)
GEN2, EARLY, REV6, REV13 = (PROFILES[key] for key in ProfileKey)
HALF = Charge(2000.0, is_calibrated=True)
FULL_CELLS = replace(READING, lowest_voltage=Extreme(3.4, 2), highest_voltage=Extreme(3.45, 5), power=200)
EMPTY_CELL = replace(READING, lowest_voltage=Extreme(2.895, 2), power=0)
HOUR = 3600.0


def counted(
    charge: Charge,
    reading: Reading,
    seconds: float,
    *,
    profile: Profile = REV13,
    load_allowed: bool = True,
    deadband_power: float = 0.0,
) -> Charge:
    """Return what a 4 kWh pack has counted after a while."""
    return count(
        profile,
        LIMITS,
        charge,
        reading,
        load_allowed=load_allowed,
        seconds=seconds,
        deadband_power=deadband_power,
    )


# Coulomb counting.


@pytest.mark.parametrize(
    ("power", "stored"), [(0, 2000), (1000, 2495), (-1000, 1500), (3000, 3485), (9000, 4000), (-9000, 0)]
)
def test_what_flows_is_counted(power: float, stored: float) -> None:
    """Half an hour; of what flows in a hundredth is lost, and there is nothing beyond full and empty."""
    charge = counted(HALF, replace(READING, power=power), 1800)
    assert charge.stored == pytest.approx(stored)


@pytest.mark.parametrize(("power", "stored"), [(15, 2000), (-15, 2000), (16, 2015.84), (-16, 1984)])
def test_what_the_sensor_cannot_tell_from_nothing(power: float, stored: float) -> None:
    """Within the deadband, 300 mA of 50 V, nothing is counted; beyond it all is."""
    charge = counted(HALF, replace(READING, power=power), HOUR, deadband_power=15)
    assert charge.stored == pytest.approx(stored)


def test_the_efficiency_is_that_of_charging() -> None:
    """Four fifths of what flows in are stored; what flows out was stored."""
    for power, stored in ((100, 2080), (-100, 1900)):
        reading = replace(READING, power=power)
        charge = count(REV13, LIMITS, HALF, reading, load_allowed=True, seconds=HOUR, efficiency=0.8)
        assert charge.stored == pytest.approx(stored)


def test_a_clock_that_goes_back_counts_nothing() -> None:
    """Neither back nor forth."""
    assert counted(HALF, READING, -HOUR) == HALF


@pytest.mark.parametrize(
    ("stored", "capacity", "percent"),
    [(3910, 4000, 97.75), (0, 4000, 0), (4000, 4000, 100), (4100, 4000, 100), (-1, 4000, 0), (100, 0, 0)],
)
def test_the_share_of_the_capacity(stored: float, capacity: float, percent: float) -> None:
    """3.91 kWh of 4.0 kWh are 97.75 %, as in the app (MAN2); a BMS without a capacity has nothing."""
    assert Charge(stored).state_of_charge(capacity) == pytest.approx(percent)


def test_no_capacity_no_charge() -> None:
    """Before the capacity is set nothing is stored, full or not."""
    limits = replace(LIMITS, capacity=0)
    for reading in (READING, FULL_CELLS):
        assert count(GEN2, limits, HALF, reading, load_allowed=True, seconds=10).stored == 0


# Full.


@pytest.mark.parametrize("profile", PROFILES.values())
def test_a_full_pack_calibrates(profile: Profile) -> None:
    """All cells at the balance voltage with hardly any power: 100 %, whatever was counted before."""
    assert counted(Charge(100.0), FULL_CELLS, 10, profile=profile) == Charge(4000, is_calibrated=True)


@pytest.mark.parametrize(("profile", "is_full"), [(GEN2, True), (EARLY, True), (REV6, False), (REV13, False)])
def test_while_charging_hard(profile: Profile, is_full: bool) -> None:
    """Since revision 6 a pack that takes more than 5 % of its capacity is not full yet."""
    charge = counted(Charge(100.0), replace(FULL_CELLS, power=201), 0, profile=profile)
    assert charge == (Charge(4000, is_calibrated=True) if is_full else Charge(100.0))


@pytest.mark.parametrize(
    ("average", "power", "older", "newer"),
    [(3.4, 200, True, True), (3.395, 200, False, False), (3.4, 201, True, False), (None, 0, False, False)],
)
def test_full_in_critical_mode(average: float | None, power: float, older: bool, newer: bool) -> None:
    """There the whole pack counts: balance voltage times cells, one cell may be below (MAN2 to MAN13)."""
    reading = replace(READING, lowest_voltage=Extreme(3.36, 2), average_voltage=average, power=power)
    for profile, is_full in ((GEN2, older), (EARLY, older), (REV6, newer), (REV13, newer)):
        charge = count(profile, CRITICAL, Charge(100.0), reading, load_allowed=True, seconds=0)
        assert charge.is_calibrated is is_full


def test_the_whole_pack_does_not_count_in_normal_mode() -> None:
    """A cell below the balance voltage is one that is not full."""
    reading = replace(READING, average_voltage=3.45, power=0)
    assert counted(Charge(100.0), reading, 10).is_calibrated is False


@pytest.mark.parametrize("profile", PROFILES.values())
@given(low=st.sampled_from([3.3, 3.395, 3.4, 3.5]), power=st.sampled_from([-500, 0, 199, 200, 201, 2000]))
def test_one_meaning_of_full(profile: Profile, low: float, power: float) -> None:
    """In normal mode the state of charge is 100 % exactly when charging ends because of it."""
    reading = replace(READING, lowest_voltage=Extreme(low), highest_voltage=Extreme(3.55), power=power)
    ended = Rule.FULL in [cause.rule for cause in decide(profile, LIMITS, reading, ON).charge_causes]
    assert counted(Charge(100.0), reading, 0, profile=profile).is_calibrated is ended


def test_a_full_pack_stays_calibrated() -> None:
    """The exclamation mark does not come back with the next load."""
    assert counted(counted(Charge(0.0), FULL_CELLS, 10), READING, 10).is_calibrated is True


# Empty.


@pytest.mark.parametrize(("profile", "stored"), [(GEN2, 2000.0), (EARLY, 0.0), (REV6, 0.0), (REV13, 0.0)])
def test_an_empty_cell(profile: Profile, stored: float) -> None:
    """A minute below V min with the load off is 0 %, but not in generation 2, which has no such rule."""
    charge = counted(HALF, EMPTY_CELL, 59, profile=profile, load_allowed=False)
    assert charge.stored == 2000
    assert counted(charge, EMPTY_CELL, 1, profile=profile, load_allowed=False).stored == stored


@pytest.mark.parametrize(
    ("reading", "load_allowed"),
    [(EMPTY_CELL, True), (replace(EMPTY_CELL, lowest_voltage=Extreme(2.9, 2)), False)],
)
def test_not_empty(reading: Reading, load_allowed: bool) -> None:
    """While discharging is allowed, or exactly at V min, it is not."""
    assert counted(HALF, reading, HOUR, load_allowed=load_allowed) == HALF


def test_the_minute_begins_anew() -> None:
    """A cell that recovers in between is not below V min for a longer time."""
    charge = counted(HALF, EMPTY_CELL, 50, load_allowed=False)
    charge = counted(charge, replace(READING, power=0), 1, load_allowed=False)
    assert charge == HALF
    assert counted(charge, EMPTY_CELL, 50, load_allowed=False).stored == 2000


def test_empty_does_not_calibrate() -> None:
    """Only full does, and empty does not take it away."""
    for before in (False, True):
        after = counted(Charge(2000, before), EMPTY_CELL, 60, load_allowed=False)
        assert (after.stored, after.is_calibrated) == (0, before)


@given(
    profile=st.sampled_from(list(PROFILES.values())),
    limits=st.sampled_from([LIMITS, CRITICAL]),
    load=st.booleans(),
    stored=st.floats(0, 4000),
    power=st.floats(-1e6, 1e6),
    low=st.sampled_from([2.5, 2.9, 3.3, 3.4, 3.6]),
    seconds=st.floats(-10, 1e5),
)
def test_never_beyond_its_bounds(
    *, profile: Profile, limits: Limits, load: bool, stored: float, power: float, low: float, seconds: float
) -> None:
    """Whatever happens, between 0 and 100 %."""
    reading = replace(READING, lowest_voltage=Extreme(low), average_voltage=low, power=power)
    after = count(profile, limits, Charge(stored), reading, load_allowed=load, seconds=seconds)
    assert 0 <= after.stored <= 4000
    assert 0 <= after.state_of_charge(4000) <= 100


def test_after_empty_the_load_waits_for_its_restart() -> None:
    """Set to 0 %, the pack has to be charged to 5 % first (protocol.md 11.7 point 7)."""
    charge = counted(HALF, EMPTY_CELL, 60, load_allowed=False)
    seen = []
    for _ in range(3):
        reading = replace(READING, power=405, state_of_charge=charge.state_of_charge(4000))
        seen.append(decide(REV13, LIMITS, reading, Relays(True, False)).relays.load)
        charge = counted(charge, reading, 900, load_allowed=False)
    assert seen == [False, False, True]


# The trend.


def followed(powers: list[float], seconds: float) -> Trend:
    """Return the trend of powers that come at a distance."""
    trend: Trend | None = None
    for power in powers:
        trend = follow(trend, power, seconds)
    assert trend is not None
    return trend


def test_a_steady_power() -> None:
    """What does not change has no deviation, and the first word begins the time."""
    assert followed([500.0], 10) == Trend(500)
    assert followed([500.0] * 7, 10) == Trend(500, 0, 60)


def test_a_young_trend_is_a_plain_mean() -> None:
    """Of what came after the first word, each counts the same."""
    trend = followed([0, 100, 200, 300], 10)
    assert trend.power == pytest.approx(200)
    assert trend.seconds == 30
    assert trend.deviation > 60


def test_an_old_trend_forgets() -> None:
    """Five minutes after the sun has set, a third of it is left."""
    trend = followed([1000.0] * 360, 10)
    for _ in range(30):
        trend = follow(trend, 0, 10)
    assert trend.power == pytest.approx(368, abs=1)


def test_the_distance_does_not_matter() -> None:
    """Said every second or every ten, a power is followed alike."""
    often, seldom = followed([0.0] * 600 + [900.0] * 300, 1), followed([0.0] * 60 + [900.0] * 30, 10)
    assert often.power == pytest.approx(seldom.power, rel=0.01)


def test_gaps_and_clocks() -> None:
    """After a longer silence it begins anew; a clock that goes back or stands changes nothing."""
    trend = followed([500.0] * 7, 10)
    assert follow(trend, -300, 301) == Trend(-300)
    assert follow(trend, -300, 0) == follow(trend, -300, -86400) == trend


# Foretelling.


@pytest.mark.parametrize(
    ("trend", "seconds", "expected"),
    [
        (Trend(-400, 0, 600), 0, Prediction(60, 1)),
        (Trend(-400, 0, 600), HOUR, Prediction(50, 6)),
        (Trend(400, 0, 600), 2 * HOUR, Prediction(80, 11)),
        (Trend(-400, 200, 600), HOUR, Prediction(50, 11)),
        (Trend(-4000, 0, 600), HOUR, Prediction(0, 6)),
        (Trend(4000, 0, 600), HOUR, Prediction(100, 6)),
        (Trend(-400, 0, 600), -HOUR, Prediction(60, 1)),
    ],
)
def test_while_the_link_is_away(trend: Trend, seconds: float, expected: Prediction) -> None:
    """A pack of 4 kWh at 60 %: it goes on as it was, less sure with time and with unsteady power."""
    assert predict(60, 4000, trend, seconds, is_calibrated=True) == expected


@pytest.mark.parametrize(
    ("trend", "uncertainty"),
    [
        (Trend(-400, 0, 30), 16),
        (Trend(400, 100, 59), 16),
        (Trend(-40, 200, 30), 11),
        (Trend(-400, 0, 60), 6),
    ],
)
def test_what_was_seen_for_a_moment_only(trend: Trend, uncertainty: float) -> None:
    """A kettle that was on during a short visit may be off right after it."""
    prediction = predict(60, 4000, trend, HOUR, is_calibrated=True)
    assert prediction is not None
    assert prediction.uncertainty == uncertainty


@pytest.mark.parametrize(("hours", "known"), [(4.7, True), (4.9, False)])
def test_after_five_hours_nothing_is_known(hours: float, known: bool) -> None:
    """Beyond 25 % it is no longer said, however steady it was."""
    assert (predict(60, 4000, Trend(0), hours * HOUR, is_calibrated=True) is not None) is known


def test_not_calibrated_is_less_sure() -> None:
    """A BMS that was never full may be wrong by a tenth already."""
    assert predict(60, 4000, Trend(0), 0, is_calibrated=False) == Prediction(60, 10)


def test_nothing_to_foretell() -> None:
    """Without a capacity or without a power there is nothing to say."""
    assert predict(60, 0, Trend(0), 0, is_calibrated=True) is None
    assert predict(60, 4000, None, 0, is_calibrated=True) is None


@pytest.mark.parametrize(
    ("power", "full", "empty"),
    [
        (800, 2 * HOUR, None),
        (-800, None, 3 * HOUR),
        (41, 39.0 * HOUR, None),
        (40, None, None),
        (-40, None, None),
        (0, None, None),
    ],
)
def test_time_to_full_and_empty(power: float, full: float | None, empty: float | None) -> None:
    """4 kWh at 60 %: two hours of 800 W in, three hours of 800 W out; below C/99 nothing is said."""
    trend = Trend(power, 0, 60)
    assert time_to_full(60, 4000, trend, is_calibrated=True) == (
        None if full is None else pytest.approx(full, rel=0.001)
    )
    assert time_to_empty(60, 4000, trend, is_calibrated=True) == (
        None if empty is None else pytest.approx(empty)
    )


def test_already_there() -> None:
    """Full is full now, and what is beyond is there as well."""
    assert time_to_full(100, 4000, Trend(800, 0, 60), is_calibrated=True) == 0
    assert time_to_full(100.5, 4000, Trend(800, 0, 60), is_calibrated=True) == 0
    assert time_to_empty(0, 4000, Trend(-800, 0, 60), is_calibrated=True) == 0


@pytest.mark.parametrize(
    ("trend", "capacity", "is_calibrated"),
    [
        (None, 4000, True),
        (Trend(800, 0, 59), 4000, True),
        (Trend(800, 0, 60), 0, True),
        (Trend(800, 0, 60), 4000, False),
    ],
)
def test_time_that_cannot_be_known(trend: Trend | None, capacity: float, is_calibrated: bool) -> None:
    """Watched for less than a minute, without capacity, or not calibrated: not known."""
    assert time_to_full(60, capacity, trend, is_calibrated=is_calibrated) is None
    assert time_to_empty(60, capacity, trend, is_calibrated=is_calibrated) is None
