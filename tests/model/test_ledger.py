"""The energies as they are shown: they only rise, and through everything they stay the BMS's own."""

from dataclasses import replace
import json
from math import inf, isfinite, nan

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.smartbms.bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, TotalsRecord
from custom_components.smartbms.model.ledger import Flow, Ledger

from .counting import DAY, HOUR, Bms, Round

BATTERY = (Flow.CHARGED, Flow.DISCHARGED)
SENSORS = (Flow.COLLECTED, Flow.CONSUMED)
FAST = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
# What waits for the two rounds after it, what is rounded, and what comes one second later than it was.
CLOSE = 20.0


def counted(ledger: Ledger, flow: Flow) -> float:
    """Return a total that is there."""
    total = ledger.total(flow)
    assert total is not None
    return total


def known(bms: Bms) -> Ledger:
    """Return a ledger that has seen every total change, so that it knows what there is to the Wh."""
    ledger = bms.heard(Ledger(), 3)
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 300)
    bms.sun, bms.house = 2000.0, 500.0
    return bms.heard(ledger, 10)


def errors(bms: Bms, ledger: Ledger, begun: float = 321_000.0) -> dict[Flow, float]:
    """Return by how many Wh each total is more than it should be."""
    return {flow: counted(ledger, flow) - begun - bms.true[flow] for flow in Flow}


# How it begins.


def test_it_begins_with_what_the_app_shows() -> None:
    """A BMS whose app says 321 kWh begins with 321 kWh, as soon as three rounds have said so."""
    bms, ledger = Bms(), Ledger()
    for seconds, total in ((2, None), (1, 321_000.0)):
        ledger = bms.heard(ledger, seconds)
        assert [ledger.total(flow) for flow in Flow] == [total] * 4


def test_what_flows_is_counted_in_watt_hours() -> None:
    """Six minutes of 2000 W are 200 Wh, 500 W of which the house takes."""
    bms = Bms(sun=2000, house=500)
    ledger = bms.heard(Ledger(), 3)
    ledger = bms.heard(ledger, 360)
    rises = [counted(ledger, flow) - 321_000 for flow in Flow]
    assert rises == pytest.approx([200, 50, 150, 0], abs=1)


def test_a_bms_without_totals_begins_at_nothing() -> None:
    """Three rounds with totals that are not available are enough to know that there are none."""
    ledger = Ledger()
    for day in (40, 40, 40, 41, 41, 41):
        ledger = ledger.seeing(
            PackRecord(50.0, 1.0, 1.0, 0.0),
            EnergyRecord(day, 0, 0, 50),
            TotalsRecord(None, None, 9, 0),
            None,
            0.0,
        )
    assert [ledger.total(flow) for flow in SENSORS] == [1.0, 0.0]


def test_nothing_heard() -> None:
    """A round in which nothing came changes nothing."""
    assert Ledger().seeing(None, None, None, None, 5.0) == Ledger()


@pytest.mark.parametrize("damaged", [(321, 5, 5), (5, 321, 321), (321, 321, 900), (None, 321, 321)])
def test_a_beginning_waits_for_records_that_agree(damaged: tuple[int | None, int, int]) -> None:
    """One damaged total among the first three is not what it begins with."""
    ledger = Ledger()
    for at, total in enumerate((*damaged, 321, 321, 321)):
        ledger = ledger.seeing(
            PackRecord(50.0, 1.0, 1.0, 0.0), EnergyRecord(7, 0, 0, 50), TotalsRecord(total, 0, 9, 0), None, at
        )
        assert ledger.total(Flow.COLLECTED) in (None, 321_000.0)
    assert ledger.total(Flow.COLLECTED) == 321_000.0


def test_a_damaged_day_is_no_beginning() -> None:
    """Else the next record would count a whole day at once."""
    ledger = Ledger()
    for at, day in enumerate((3, 5000, 5000, 5000, 5001, 5001)):
        ledger = ledger.seeing(
            PackRecord(50.0, 1.0, 1.0, 0.0), EnergyRecord(day, 0, 0, 50), TotalsRecord(321, 0, 9, 0), None, at
        )
    assert ledger.total(Flow.COLLECTED) == 321_000.0


# Midnight, gaps, and both.


def test_a_midnight_with_the_link() -> None:
    """The counters of the day restart at the BMS's midnight, and nothing is lost or counted twice."""
    bms = Bms(clock=DAY - 600)
    ledger = bms.heard(known(bms), 1200)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=CLOSE)


def test_a_gap_within_the_day_is_caught_up_to_the_watt_hour() -> None:
    """The BMS has counted on."""
    bms = Bms()
    ledger = known(bms)
    bms.live(5 * HOUR)
    ledger = bms.heard(ledger, 5)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=5)


@pytest.mark.parametrize("hours", [12, 16, 24, 30, 100])
def test_a_gap_over_midnight_is_settled_when_the_totals_change(hours: float) -> None:
    """At once it is never too much, and at most a kWh too little; with the next kWh it is right."""
    bms = Bms()
    ledger = known(bms)
    bms.live(hours * HOUR)
    ledger = bms.heard(ledger, 5)
    assert all(-1010 < error < 2 for error in errors(bms, ledger).values())
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 250)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=3 * CLOSE)


def test_gap_after_gap_nothing_adds_up() -> None:
    """Fifty nights without the link, and in the end it is right to some Wh."""
    bms = Bms()
    ledger = known(bms)
    for _ in range(50):
        bms.live(21 * HOUR)
        ledger = bms.heard(ledger, 10)
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 250)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=3 * CLOSE)


def test_a_gap_before_any_total_has_changed() -> None:
    """Then nobody knows how much of a kWh there was, so up to one of them is missing; never too much."""
    bms = Bms(sun=2000, house=500)
    ledger = bms.heard(Ledger(), 10)
    bms.live(20 * HOUR)
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 300)
    assert all(-1050 < error < 2 for error in errors(bms, ledger).values())


def test_short_visits() -> None:
    """Three rounds every half hour are enough; totals change while nobody listens."""
    bms = Bms(sun=1730, house=430)
    ledger = bms.heard(Ledger(), 3)
    for _ in range(100):
        bms.live(1800)
        ledger = bms.heard(ledger, 3)
    assert all(-1010 < error < 2 for error in errors(bms, ledger).values())


@pytest.mark.parametrize("gap", [5, 2 * HOUR, 20 * HOUR])
def test_a_restart(gap: float) -> None:
    """What was saved goes on where it was; what the process had not saved the BMS tells again."""
    bms = Bms()
    ledger = known(bms)
    saved = json.loads(json.dumps(ledger.as_json()))
    ledger = bms.heard(ledger, 50)
    bms.live(gap)
    restored = Ledger.from_json(saved)
    assert [restored.total(flow) for flow in Flow] == [Ledger.from_json(saved).total(flow) for flow in Flow]
    bms.sun, bms.house = 40_000.0, 18_000.0
    restored = bms.heard(restored, 250)
    assert errors(bms, restored) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=3 * CLOSE)


def test_totals_that_are_not_said_for_a_while() -> None:
    """Without them a night that was not heard is lost but for what came since midnight."""
    bms = Bms()
    ledger = known(bms)
    before = counted(ledger, Flow.CONSUMED)
    bms.live(16 * HOUR)
    for _ in range(5):
        pack, energy, _, _ = bms.says()
        ledger = ledger.seeing(pack, energy, None, None, bms.now)
    assert counted(ledger, Flow.CONSUMED) - before == pytest.approx(2 * 500, abs=3 * CLOSE)


# The app clears the counters, and clocks are set.


@pytest.mark.parametrize("gap", [0, 60, 1.25 * HOUR, 3 * HOUR])
def test_cleared_counters(gap: float) -> None:
    """What was counted stays, and what comes afterwards is added."""
    bms = Bms()
    ledger = known(bms)
    bms.live(gap)
    bms.clear()
    lost = bms.true[Flow.COLLECTED] - (counted(ledger, Flow.COLLECTED) - 321_000)
    bms.live(gap)
    ledger = bms.heard(ledger, 600)
    error = errors(bms, ledger)[Flow.COLLECTED]
    assert error == pytest.approx(-lost, abs=CLOSE)
    assert lost < 2000 * gap / HOUR + CLOSE


def test_a_night_after_the_counters_were_cleared() -> None:
    """Cleared totals are as good as others: what they tell of the night counts."""
    bms = Bms()
    ledger = known(bms)
    bms.clear()
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 250)
    bms.sun, bms.house = 2000.0, 500.0
    bms.live(18 * HOUR)
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 250)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=4 * CLOSE)


def test_totals_cleared_alone() -> None:
    """The day goes on, and so does what is counted."""
    bms = Bms()
    ledger = known(bms)
    bms.total = dict.fromkeys(Flow, 0.0)
    ledger = bms.heard(ledger, 60)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=CLOSE)


def test_a_day_cleared_alone() -> None:
    """The totals go on, and so does what is counted."""
    bms = Bms()
    ledger = known(bms)
    bms.today = dict.fromkeys(Flow, 0.0)
    ledger = bms.heard(ledger, 60)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=CLOSE)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, 9 * HOUR, 13.8 * HOUR])
@pytest.mark.parametrize("gap", [0.0, 600.0])
def test_the_clock_of_the_bms_is_set(seconds: float, gap: float) -> None:
    """To summer time, back, or to right after midnight: the counters stay, and so do ours."""
    bms = Bms()
    ledger = known(bms)
    bms.live(gap)
    bms.clock = (bms.clock + seconds) % DAY
    ledger = bms.heard(ledger, 600)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=CLOSE)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, 40 * DAY, -40 * DAY])
def test_our_own_clock_is_set(seconds: float) -> None:
    """A computer that learns the time late counts as before."""
    bms = Bms()
    ledger = known(bms)
    bms.now += seconds
    ledger = bms.heard(ledger, 600)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=CLOSE)


def test_a_night_that_our_clock_slept_through() -> None:
    """After a power cut it may begin where it was; the BMS's clock tells how long it was away."""
    bms = Bms()
    ledger, now = known(bms), bms.now
    bms.live(17 * HOUR)
    bms.now = now
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 300)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=3 * CLOSE)


def test_a_night_whose_end_is_first_told_without_the_totals() -> None:
    """While Home Assistant starts it may hear half a round first; the next one tells the time of the BMS."""
    bms = Bms()
    ledger, now = known(bms), bms.now
    bms.live(17 * HOUR)
    bms.now = now
    pack, energy, _, battery = bms.says()
    ledger = ledger.seeing(pack, energy, None, battery, bms.now)
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = bms.heard(ledger, 300)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=3 * CLOSE)


@pytest.mark.parametrize("gap", [30 * 60, 15 * HOUR])
def test_a_bms_without_a_clock(gap: float) -> None:
    """Then any longer gap may hold a midnight."""
    bms = Bms()
    bms.sun, bms.house = 40_000.0, 18_000.0
    ledger = Ledger()
    for seconds in (300.0, gap, 300.0):
        if seconds == gap:
            bms.sun, bms.house = 2000.0, 500.0
            bms.live(gap)
            bms.sun, bms.house = 40_000.0, 18_000.0
            continue
        for _ in range(round(seconds)):
            bms.live(1)
            pack, energy, totals, battery = bms.says()
            assert totals is not None
            ledger = ledger.seeing(pack, energy, totals._replace(hour=None), battery, bms.now)
    assert errors(bms, ledger) == pytest.approx(dict.fromkeys(Flow, 0.0), abs=3 * CLOSE)


# What is damaged, and what is strange.


ROUNDS = st.tuples(
    st.none() | st.builds(PackRecord, *[st.none() | st.floats(-2500, 2500)] * 4),
    st.none() | st.builds(EnergyRecord, *[st.none() | st.integers(0, 0xFFFFFF)] * 4),
    st.none()
    | st.builds(TotalsRecord, *[st.none() | st.integers(0, 0xFFFFFF)] * 2, *[st.integers(0, 59)] * 2),
    st.none() | st.builds(BatteryEnergyRecord, *[st.none() | st.integers(0, 0xFFFFFF)] * 4),
)


@FAST
@given(ROUNDS, st.integers(1, 119), st.booleans(), st.booleans())
def test_one_damaged_round_changes_nothing(
    damaged: Round, at: int, counts_battery: bool, over_midnight: bool
) -> None:
    """Whatever it says, at the end everything is counted as without it, but for a step of integration."""
    clock = DAY - 360 if over_midnight else 10 * HOUR
    bms = Bms(clock=clock, counts_battery=counts_battery)
    ledger = known(bms)
    for second in range(120):
        bms.live(1)
        said = damaged if second == at else bms.says()
        ledger = ledger.seeing(*said, bms.now)
    ledger = bms.heard(ledger, 10)
    begun = {flow: 321_000.0 if counts_battery or flow in SENSORS else 0.0 for flow in Flow}
    for flow in Flow:
        assert counted(ledger, flow) - begun[flow] == pytest.approx(bms.true[flow], abs=CLOSE)


def test_a_jump_that_three_rounds_agree_on_counts() -> None:
    """However large: the BMS means it."""
    bms = Bms()
    ledger = known(bms)
    before = counted(ledger, Flow.COLLECTED)
    bms.today[Flow.COLLECTED] += 9000
    bms.total[Flow.COLLECTED] += 9000
    bms.sun = 0.0
    ledger = bms.heard(ledger, 2)
    assert counted(ledger, Flow.COLLECTED) == pytest.approx(before, abs=CLOSE)
    ledger = bms.heard(ledger, 3)
    assert counted(ledger, Flow.COLLECTED) == pytest.approx(before + 9000, abs=CLOSE)


def test_a_counter_that_goes_back_a_little_is_not_a_restart() -> None:
    """It does not count anew, and what it counts again does not count twice."""
    bms = Bms()
    ledger = known(bms)
    bms.sun = 0.0
    ledger = bms.heard(ledger, 5)
    before = counted(ledger, Flow.COLLECTED)
    for change in (-40.0, 40.0, -40.0, 55.0):
        bms.today[Flow.COLLECTED] += change
        ledger = bms.heard(ledger, 5)
    assert counted(ledger, Flow.COLLECTED) - before == 15


def test_a_total_that_sometimes_comes_one_round_late() -> None:
    """Day and total need not be of the same moment; of a night that was not heard they still tell all."""
    bms, late = Bms(), TotalsRecord(321, 321, 10, 0)
    ledger = bms.heard(Ledger(), 3)
    for seconds, sun in ((750, 25_000.0), (16 * HOUR, 2000.0), (400, 25_000.0)):
        bms.sun = sun
        if seconds > DAY / 2:
            bms.live(seconds)
            late = bms.says()[2] or late
            continue
        for _ in range(round(seconds)):
            bms.live(1)
            pack, energy, totals, battery_energy = bms.says()
            assert totals is not None
            is_late = int(bms.total[Flow.COLLECTED] / 1000) % 2 == 1
            ledger = ledger.seeing(pack, energy, late if is_late else totals, battery_energy, bms.now)
            late = totals
    assert counted(ledger, Flow.COLLECTED) - 321_000 == pytest.approx(bms.true[Flow.COLLECTED], abs=2 * CLOSE)


@pytest.mark.parametrize("share", [0.9, 0.7, 1.3, 1000.0])
def test_totals_that_count_in_another_way_add_nothing(share: float) -> None:
    """A total that runs faster or slower than the days, or in Wh: ours follow the days."""
    bms = Bms()
    ledger = Ledger()
    for second in range(3600):
        bms.sun, bms.house = (30_000.0, 10_000.0) if 3 <= second < 3590 else (0.0, 0.0)
        bms.live(1)
        pack, energy, totals, battery = bms.says()
        assert totals is not None
        other = totals._replace(collected=int(300_000 + bms.true[Flow.COLLECTED] * share / 1000))
        ledger = ledger.seeing(pack, energy, other, battery, bms.now)
    assert counted(ledger, Flow.COLLECTED) == pytest.approx(300_000_000 + bms.true[Flow.COLLECTED], abs=2)


def test_totals_that_change_at_midnight_only() -> None:
    """Neither with the link nor without it do they make anything up."""
    bms = Bms(sun=2000, house=500)
    ledger, told = Ledger(), 321_500.0
    for day in range(12):
        for _ in range(96):
            bms.live(900)
            if bms.clock < 900:
                told = bms.total[Flow.COLLECTED]
            pack, energy, totals, battery = bms.says()
            assert totals is not None
            # On some days nobody listens from the evening to the morning.
            if day % 3 < 2 or 7 * HOUR < bms.clock < 20 * HOUR:
                for _ in range(3):
                    ledger = ledger.seeing(
                        pack, energy, totals._replace(collected=int(told / 1000)), battery, bms.now
                    )
    assert counted(ledger, Flow.COLLECTED) - 321_000 <= bms.true[Flow.COLLECTED] + 1


def test_totals_are_believed_again_once_they_agree() -> None:
    """A total that jumped once, and then three times changes when it should, knows of a night again."""
    bms = Bms()
    ledger = known(bms)
    bms.total[Flow.CONSUMED] += 50_000
    bms.house = 60_000.0
    before = counted(ledger, Flow.CONSUMED) - bms.true[Flow.CONSUMED]
    ledger = bms.heard(ledger, 300)
    bms.house = 500.0
    bms.live(18 * HOUR)
    bms.house = 60_000.0
    ledger = bms.heard(ledger, 120)
    assert counted(ledger, Flow.CONSUMED) - bms.true[Flow.CONSUMED] == pytest.approx(before, abs=3 * CLOSE)


# One current sensor, or two.


def test_one_current_sensor() -> None:
    """Then there is only the flow of the battery."""
    bms = Bms(has_load_sensor=False, sun=2000, house=500)
    ledger = bms.heard(Ledger(), 360)
    assert [ledger.total(flow) for flow in SENSORS] == [None, None]
    assert [counted(ledger, flow) - 321_000 for flow in BATTERY] == pytest.approx([150, 0], abs=2)


def test_a_sensor_that_goes_and_comes_back() -> None:
    """What was counted stays; one round that does not know it is no sensor that is gone."""
    bms = Bms()
    ledger = known(bms)
    before = counted(ledger, Flow.CONSUMED)
    pack, energy, totals, battery_energy = bms.says()
    assert pack is not None
    ledger = ledger.seeing(pack._replace(load_current=None), energy, totals, battery_energy, bms.now)
    for _ in range(4):
        assert counted(ledger, Flow.CONSUMED) >= before
        ledger = bms.heard(ledger, 1)
    bms.has_load_sensor = False
    ledger = bms.heard(ledger, 3)
    assert ledger.total(Flow.CONSUMED) is None
    bms.has_load_sensor = True
    ledger = bms.heard(ledger, 3)
    assert counted(ledger, Flow.CONSUMED) >= before


# A BMS that does not count the energy of its battery.


def gen2(**changes: float) -> tuple[Bms, Ledger]:
    """Return a BMS of generation 2 that has been heard for two minutes at 1500 W into the battery."""
    bms = Bms(counts_battery=False, sun=2000, house=500)
    ledger = bms.heard(Ledger(), 120)
    for name, value in changes.items():
        setattr(bms, name, value)
    return bms, ledger


def battery(ledger: Ledger) -> list[float]:
    """Return what was charged and discharged."""
    return [counted(ledger, flow) for flow in BATTERY]


def test_power_is_integrated() -> None:
    """After a minute it is clear that there are no B records; that minute counts as well."""
    bms = Bms(counts_battery=False, sun=2000, house=500)
    ledger = bms.heard(Ledger(), 60)
    assert [ledger.total(flow) for flow in BATTERY] == [None, None]
    ledger = bms.heard(ledger, 300)
    assert battery(ledger) == pytest.approx([150, 0], abs=2)
    bms.sun, bms.house = 0.0, 1000.0
    ledger = bms.heard(ledger, 360)
    assert battery(ledger) == pytest.approx([150, 100], abs=2)


def test_a_load_that_comes_and_goes_is_integrated() -> None:
    """A hob that is on every third second: the sensors agree, so each second counts."""
    bms, ledger = gen2(sun=0.0)
    before = battery(ledger)
    for second in range(360):
        bms.house = 3000.0 if second % 3 == 0 else 0.0
        ledger = bms.heard(ledger, 1)
    assert battery(ledger)[1] - before[1] == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("sun", "house", "charged", "discharged"),
    [(2000.0, 500.0, 7500, 0), (0.0, 500.0, 0, 2500), (500.0, 500.0, 0, 0)],
)
def test_a_gap_with_two_sensors(sun: float, house: float, charged: float, discharged: float) -> None:
    """What was collected less what was consumed belongs to one side or the other."""
    bms, ledger = gen2(sun=sun, house=house)
    before = battery(ledger)
    bms.live(5 * HOUR)
    after = battery(bms.heard(ledger, 5))
    assert after[0] - before[0] == pytest.approx(charged, abs=CLOSE)
    assert after[1] - before[1] == pytest.approx(discharged, abs=CLOSE)


def test_a_night_with_two_sensors() -> None:
    """What the totals tell later belongs to the battery as well."""
    bms = Bms(counts_battery=False)
    ledger = known(bms)
    before = bms.true[Flow.CHARGED] - bms.true[Flow.DISCHARGED] - battery(ledger)[0] + battery(ledger)[1]
    bms.sun, bms.house = 0.0, 300.0
    bms.live(17 * HOUR)
    bms.sun, bms.house = 60_000.0, 40_000.0
    ledger = bms.heard(ledger, 300)
    net = bms.true[Flow.CHARGED] - bms.true[Flow.DISCHARGED] - battery(ledger)[0] + battery(ledger)[1]
    assert net == pytest.approx(before, abs=5 * CLOSE)


@pytest.mark.parametrize(
    ("sun", "house", "charged", "discharged"), [(2000.0, 500.0, 7500, 0), (0.0, 500.0, 0, 2500)]
)
def test_a_gap_with_one_sensor(sun: float, house: float, charged: float, discharged: float) -> None:
    """By how much the stored energy has changed."""
    bms, ledger = gen2(has_load_sensor=False, sun=sun, house=house)
    ledger = bms.heard(ledger, 10)
    before = battery(ledger)
    bms.live(5 * HOUR)
    after = battery(bms.heard(ledger, 5))
    assert after[0] - before[0] == pytest.approx(charged, abs=CLOSE)
    assert after[1] - before[1] == pytest.approx(discharged, abs=CLOSE)


def test_a_second_sensor_is_added() -> None:
    """The stored energy is no longer what is compared: nothing jumps."""
    bms, ledger = gen2(has_load_sensor=False, sun=0.0, house=0.0)
    ledger = bms.heard(ledger, 10)
    before = battery(ledger)
    bms.has_load_sensor = True
    assert battery(bms.heard(ledger, 10)) == pytest.approx(before, abs=1)


@pytest.mark.parametrize(
    "damaged", [PackRecord(1275.0, 40.0, 30.0, 10.0), PackRecord(50.0, 40.0, 900.0, 10.0)]
)
def test_a_damaged_power(damaged: PackRecord) -> None:
    """A voltage that no other record knows, or a current that the sensors do not know, is not integrated."""
    bms, ledger = gen2()
    right = ledger
    for second in range(10):
        bms.live(1)
        pack, energy, totals, _ = bms.says()
        ledger = ledger.seeing(damaged if second == 5 else pack, energy, totals, None, bms.now)
        right = right.seeing(pack, energy, totals, None, bms.now)
    assert battery(ledger) == pytest.approx(battery(right), abs=0.01)


def test_a_gap_in_which_the_battery_became_full() -> None:
    """Then the stored energy was set to the capacity, and says nothing of what flowed."""
    bms, ledger = gen2(has_load_sensor=False)
    ledger = bms.heard(ledger, 10)
    before = battery(ledger)
    bms.live(5 * HOUR)
    bms.stored, bms.state_of_charge = 20_000.0, 100
    after = battery(bms.heard(ledger, 5))
    assert after == pytest.approx(before, abs=CLOSE)


def test_a_damaged_stored_energy() -> None:
    """Right after a gap as well it is not believed."""
    bms, ledger = gen2(has_load_sensor=False, sun=0.0, house=500.0)
    ledger = bms.heard(ledger, 10)
    before = battery(ledger)
    bms.live(5 * HOUR)
    pack, energy, totals, _ = bms.says()
    assert energy is not None
    ledger = ledger.seeing(pack, energy._replace(stored=0xFFFFFF), totals, None, bms.now)
    after = battery(bms.heard(ledger, 5))
    assert [after[0] - before[0], after[1] - before[1]] == pytest.approx([0, 2500], abs=CLOSE)


def test_b_records_that_come_later_take_over() -> None:
    """Without a jump, and from then on they count."""
    bms, ledger = gen2()
    bms.counts_battery = True
    before = battery(ledger)
    ledger = bms.heard(ledger, 3)
    assert battery(ledger) == pytest.approx(before, abs=3)
    bms.live(HOUR)
    ledger = bms.heard(ledger, 3)
    assert battery(ledger)[0] - before[0] == pytest.approx(1500, abs=5)
    # One round without them changes nothing.
    bms.counts_battery = False
    assert battery(bms.heard(ledger, 1)) == pytest.approx(battery(ledger), abs=1)


def test_power_that_is_not_known_is_made_up_for() -> None:
    """The counters tell what came meanwhile."""
    bms, ledger = gen2()
    before = battery(ledger)
    for _ in range(360):
        bms.live(1)
        _, energy, totals, _ = bms.says()
        ledger = ledger.seeing(PackRecord(50.0, 40.0, None, 10.0), energy, totals, None, bms.now)
    ledger = bms.heard(ledger, 5)
    assert battery(ledger)[0] - before[0] == pytest.approx(150, abs=CLOSE)


# Whatever comes.


ANY_NUMBER = st.none() | st.floats() | st.integers(-(10**30), 10**30)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3) | ANY_NUMBER,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "accounts",
                    "integral",
                    "has_both",
                    "counted",
                    "last",
                    "low",
                    "high",
                    "owed",
                    "doubts",
                    "charged",
                    "discharged",
                    "heard",
                    "at",
                    "reference",
                    "is_behind",
                    "collected",
                    "consumed",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=25,
)


@FAST
@given(
    ANYTHING,
    st.lists(st.tuples(ROUNDS, st.floats(0, 4e9) | st.sampled_from([nan, inf, -inf, -5.0])), max_size=30),
)
def test_any_storage_and_any_records(data: object, rounds: list[tuple[Round, float]]) -> None:
    """Nothing raises, nothing falls, and every total is a number that goes through JSON and back."""
    ledger = Ledger.from_json(data)
    before: dict[Flow, float] = {}
    for said, now in rounds:
        ledger = ledger.seeing(*said, now)
        for flow in Flow:
            if (total := ledger.total(flow)) is not None:
                assert isfinite(total) and total >= before.get(flow, 0.0)
                before[flow] = total
    saved = ledger.as_json()
    assert [Ledger.from_json(json.loads(json.dumps(saved))).total(flow) for flow in Flow] == [
        ledger.total(flow) for flow in Flow
    ]


@FAST
@given(st.lists(st.tuples(st.sampled_from([2, 60, 4 * HOUR, 25 * HOUR]), st.floats(0, 9000)), max_size=12))
def test_never_too_much(gaps: list[tuple[float, float]]) -> None:
    """However long the gaps and whatever flows in them, no total is ahead of the truth."""
    bms = Bms()
    ledger = known(bms)
    for gap, sun in gaps:
        bms.sun = sun
        bms.live(gap)
        ledger = bms.heard(ledger, 5)
        assert all(error < 3 for error in errors(bms, ledger).values())


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"accounts": [], "integral": [], "has_both": 1},
        {"accounts": {"collected": {"counted": -1}}},
        {"accounts": {"collected": {"counted": "321"}}},
        {"accounts": {"collected": {"counted": True}}},
        {"integral": {"charged": -1, "discharged": 0, "heard": 99}},
        {"integral": {"charged": 1, "discharged": 0}},
    ],
)
def test_storage_that_cannot_be_read(data: object) -> None:
    """Nothing is known, and the BMS will tell."""
    ledger = Ledger.from_json(data)
    assert [ledger.total(flow) for flow in Flow] == [None] * 4


@pytest.mark.parametrize("last", [None, [1, 2, 3], ["now", 7, 321, 600], [1.0, 7.5, 321, 600]])
def test_storage_that_can_be_read_in_part(last: object) -> None:
    """A total that is known stays, also where what it rests on is not."""
    stored = {"counted": 400_000.0, "last": last, "low": 0.0, "high": -1.0, "owed": 0.0, "doubts": 0}
    ledger = Ledger.from_json({"accounts": {"collected": stored}, "has_both": True})
    assert ledger.total(Flow.COLLECTED) == 400_000
    bms = Bms(sun=2000)
    ledger = bms.heard(ledger, 363)
    assert counted(ledger, Flow.COLLECTED) == pytest.approx(400_200, abs=2)


def test_bounds_that_contradict_each_other() -> None:
    """They are found anew, and nothing is added for them."""
    last = [1_800_000_000.0, 0, 321, 600]
    stored = {"counted": 321_000.0, "last": last, "low": 500.0, "high": -500.0, "owed": 2000.0, "doubts": 0}
    ledger = Ledger.from_json({"accounts": {"collected": stored}, "has_both": True})
    assert counted(Bms().heard(ledger, 10), Flow.COLLECTED) == 321_000


def test_it_stays_small() -> None:
    """What is saved every minute is less than a kilobyte or so, and what is kept does not grow."""
    bms = Bms()
    ledger = known(bms)
    assert len(json.dumps(ledger.as_json())) < 1200
    assert replace(ledger, accounts={}) != ledger
    assert all(len(account.pending) <= 2 for account in bms.heard(ledger, 9).accounts.values())
