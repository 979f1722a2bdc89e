"""What is understood of a BMS while it is watched, and long after it was heard last."""

from dataclasses import replace
import json

import pytest

from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    EnergyRecord,
    PackRecord,
    Snapshot,
    Status,
    StatusBit,
    VoltageRecord,
)
from custom_components.smartbms.model.diagnosis import Circumstances, FindingKey
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.profiles import ProfileKey
from custom_components.smartbms.model.relays import Cause, Decision, Relays, Rule
from custom_components.smartbms.model.soc import Prediction

from .test_twin import SNAPSHOT

NOON = 1_800_000_000.0
# 400 W out of a pack of 4 kWh: a tenth in an hour.
DISCHARGING = replace(SNAPSHOT, pack=PackRecord(50.0, 0.0, -8.0, 8.0), energy=EnergyRecord(0, 2000, 0, 50))
CHARGING = replace(DISCHARGING, pack=PackRecord(50.0, 8.0, 8.0, 0.0))


def watched(snapshot: Snapshot, seconds: int = 600) -> Insight:
    """Return what is understood after some time of one snapshot every five seconds, ending at noon."""
    insight = Insight()
    for second in range(-seconds, 1, 5):
        insight = insight.seeing(snapshot, Generation.GEN3, NOON + second)
    return insight


def test_nothing_yet() -> None:
    """Of a BMS that was never heard nothing is known, and nothing is wrong."""
    insight = Insight()
    assert insight.profile.key is ProfileKey.GEN3_REV6
    assert insight.age(NOON) is None
    assert insight.prediction(NOON) is None
    assert insight.time_to_full() is insight.time_to_empty() is None
    assert insight.findings(NOON, Circumstances(has_factory_pin=True)) == ()


def test_an_ordinary_day() -> None:
    """The rules have spoken, and the state of charge is as fine as it is told."""
    insight = watched(SNAPSHOT)
    assert insight.decision is not None
    assert insight.decision.relays == Relays(True, True)
    assert insight.prediction(NOON) == Prediction(50, 1)
    assert len(insight.samples) == 3


def test_the_manual_that_the_owner_chose() -> None:
    """It counts, whatever the BMS reports."""
    assert watched(SNAPSHOT).profile.key is ProfileKey.GEN3_REV6
    assert replace(watched(SNAPSHOT), manual=ProfileKey.GEN2).profile.key is ProfileKey.GEN2


def test_half_a_snapshot_is_none() -> None:
    """While a BMS comes back, what was known before counts until all of it has been heard."""
    insight = watched(SNAPSHOT)
    assert insight.seeing(Snapshot(), Generation.GEN3, NOON + 60) == insight
    assert insight.seeing(replace(SNAPSHOT, energy=None), Generation.GEN3, NOON + 60) == insight


def test_a_broken_chain_is_a_whole_snapshot() -> None:
    """Without the cells nothing is allowed, and that is known at once."""
    broken = replace(
        SNAPSHOT,
        status=Status(StatusBit.COMMUNICATION_ERROR),
        voltages=None,
        temperatures=None,
        version_balance_voltage=3.4,
    )
    insight = watched(SNAPSHOT).seeing(broken, Generation.GEN3, NOON + 5)
    assert insight.decision is not None
    assert insight.decision.relays == Relays(False, False)
    for second in range(10, 40, 5):
        insight = insight.seeing(broken, Generation.GEN3, NOON + second)
    found = insight.findings(NOON + 40, Circumstances(break_cell=8))
    assert [(each.key, each.evidence) for each in found] == [(FindingKey.CHAIN_BROKEN, {"cell": 8})]


def test_out_of_reach_it_goes_on() -> None:
    """An hour later a tenth is gone, and it is less sure; after a day nobody knows."""
    insight = watched(DISCHARGING)
    prediction = insight.prediction(NOON + 3600)
    assert prediction is not None
    assert prediction.state_of_charge == pytest.approx(40, abs=0.1)
    assert prediction.uncertainty == pytest.approx(6, abs=0.1)
    assert insight.age(NOON + 3600) == 3600
    assert insight.prediction(NOON + 86400) is None


def test_a_clock_that_is_set_back() -> None:
    """What was heard tomorrow was heard just now."""
    insight = watched(DISCHARGING)
    assert insight.age(NOON - 86400) == 0
    assert insight.prediction(NOON - 86400) == Prediction(50, 1)
    again = insight.seeing(DISCHARGING, Generation.GEN3, NOON - 86400)
    assert (again.at, again.observed) == (NOON - 86400, NOON - 86400)


def test_when_it_is_empty_or_full() -> None:
    """2 kWh with 400 W are five hours, one way or the other."""
    assert watched(DISCHARGING).time_to_empty() == pytest.approx(5 * 3600)
    assert watched(DISCHARGING).time_to_full() is None
    assert watched(CHARGING).time_to_full() == pytest.approx(5 * 3600)
    assert watched(CHARGING).time_to_empty() is None


@pytest.mark.parametrize(
    "snapshot",
    [
        replace(CHARGING, status=Status(0x83)),
        replace(CHARGING, settings={**SNAPSHOT.settings, SettingKey.CAPACITY: 0.0}),
        replace(CHARGING, settings={}),
    ],
)
def test_nobody_knows_when(snapshot: Snapshot) -> None:
    """Not calibrated, or without a capacity, there is nothing to reckon with."""
    assert watched(snapshot).time_to_full() is None


def test_evidence_is_gathered_once_a_second() -> None:
    """An alarm that comes at once changes what is seen, and is no further observation."""
    insight = watched(SNAPSHOT)
    high = replace(SNAPSHOT, voltages=VoltageRecord(3.3, 1, 3.71, 2, 3.4))
    seen = insight.seeing(high, Generation.GEN3, NOON + 0.2)
    assert (seen.observed, seen.evidence) == (insight.observed, insight.evidence)
    assert seen.decision is not None
    assert seen.decision.relays == Relays(False, True)


def test_a_restart_delay() -> None:
    """A relay that was seen to go off is held by the delay that is set, until that is over."""
    settings = {**SNAPSHOT.settings, SettingKey.CHARGE_RESTART_DELAY: 60.0}
    on, off = (replace(SNAPSHOT, settings=settings, status=Status(bits)) for bits in (0x03, 0x02))
    insight = Insight().seeing(off, Generation.GEN3, NOON)
    # Nobody knows since when.
    assert insight.decision == Decision(Relays(True, True))
    insight = insight.seeing(on, Generation.GEN3, NOON + 5).seeing(off, Generation.GEN3, NOON + 10)
    for second, relays in ((15, Relays(False, True)), (69, Relays(False, True)), (70, Relays(True, True))):
        insight = insight.seeing(off, Generation.GEN3, NOON + second)
        assert insight.decision is not None
        assert insight.decision.relays == relays
        assert insight.decision.charge_causes == (() if relays.charge else (Cause(Rule.RESTART_DELAY, 60),))


def test_stored_and_back() -> None:
    """After a restart everything is answered as before it."""
    insight = watched(DISCHARGING)
    again = Insight.from_json(json.loads(json.dumps(insight.as_json())), manual=None)
    assert again.prediction(NOON + 3600) == insight.prediction(NOON + 3600)
    assert again.decision == insight.decision
    assert again.samples == insight.samples
    assert again.generation is Generation.GEN3
    assert again.evidence == insight.evidence


@pytest.mark.parametrize(
    "data", [None, 5, [], {}, {"at": 5, "snapshot": []}, {"generation": "x", "trend": {}}]
)
def test_what_cannot_be_read(data: object) -> None:
    """Then nothing is known."""
    assert Insight.from_json(data, ProfileKey.GEN2) == Insight(manual=ProfileKey.GEN2)


@pytest.mark.parametrize(
    "damaged",
    [
        {"power": float("nan")},
        {"power": 10**400},
        {"power": -1e300},
        {"power": None},
        {"deviation": -1.0},
        {"deviation": float("inf")},
        {"seconds": -60.0},
        {"seconds": True},
    ],
)
def test_a_damaged_trend(damaged: dict[str, object]) -> None:
    """One number of it that cannot be, and nothing is foretold; the rest is there."""
    stored = watched(DISCHARGING).as_json()
    trend = stored["trend"]
    assert isinstance(trend, dict)
    again = Insight.from_json(stored | {"trend": trend | damaged}, None)
    assert (again.trend, again.prediction(NOON + 60)) == (None, None)
    assert again.snapshot == DISCHARGING
    assert again.seeing(DISCHARGING, Generation.GEN3, NOON + 60).trend is not None


def test_a_bms_that_does_not_tell_its_current() -> None:
    """Its power is not known, so nothing is reckoned from it, and the rest counts."""
    sensorless = replace(DISCHARGING, pack=PackRecord(None, 0.0, -8.0, 8.0))
    broken = replace(sensorless, status=Status(StatusBit.COMMUNICATION_ERROR))
    insight = Insight().seeing(broken, Generation.GEN3, NOON)
    assert (insight.trend, insight.at) == (None, NOON)


@pytest.mark.parametrize("at", [None, "noon", -1.0, 1e300, float("nan")])
def test_a_snapshot_without_its_time(at: object) -> None:
    """Nobody knows how old it is, so it is not used."""
    stored = watched(SNAPSHOT).as_json() | {"at": at}
    assert Insight.from_json(stored, None).snapshot is None
