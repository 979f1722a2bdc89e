"""A few days of the year that `scripts/soak --year` lives through, and what it says of a ledger that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
import json
from random import Random
from typing import Final, Self

import pytest

from custom_components.smartbms.bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, TotalsRecord
from custom_components.smartbms.model.ledger import Flow, Ledger
from scripts.rig import year
from scripts.rig.life import BATTERY, PLANTS, Hour, Life, Living, Plant, losses
from scripts.rig.soak import main

BOTH, ONE, GEN2 = PLANTS
DAYS: Final = 4.0


@dataclass(frozen=True, slots=True)
class DaysAlone(Ledger):
    """Adds what the counters of the day rise by, and believes every record."""

    days: Mapping[Flow, int] = field(default_factory=dict)
    sums: Mapping[Flow, float] = field(default_factory=dict)

    def seeing(
        self,
        pack: PackRecord | None,
        energy: EnergyRecord | None,
        totals: TotalsRecord | None,
        battery_energy: BatteryEnergyRecord | None,
        now: float,
    ) -> Self:
        """Add without a thought."""
        assert energy is not None
        told = {Flow.COLLECTED: energy.collected_today or 0, Flow.CONSUMED: energy.consumed_today or 0}
        sums = {
            flow: self.sums.get(flow, 0.0) + max(day - self.days.get(flow, day), 0)
            for flow, day in told.items()
        }
        return replace(self, days=told, sums=sums)

    def total(self, flow: Flow) -> float | None:
        """Return what was added."""
        return self.sums.get(flow)

    def as_json(self) -> dict[str, object]:
        """Return it as JSON."""
        return {"days": dict(self.days), "sums": dict(self.sums)}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return what was saved."""
        assert isinstance(data, Mapping)
        return cls(
            days={Flow(flow): day for flow, day in data["days"].items()},
            sums={Flow(flow): total for flow, total in data["sums"].items()},
        )


def judged(plant: Plant, ledger: Ledger | None = None) -> tuple[list[str], bool]:
    """Return what is said of some days, and whether all is right."""
    (end,) = year.judged([(plant, Living(plant, 1, DAYS, ledger).live())])
    return end


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_some_days(plant: Plant) -> None:
    """Lost, cleared, killed: every flow is right, and so are the bars of a real recorder."""
    lines, is_right = judged(plant)
    assert is_right, "\n".join(lines)
    assert lines[0].startswith(f"{plant.name}: ")
    assert {"11 lost", "2 cleared", "1 killed"} <= {
        each.strip() for each in lines[0].split(":")[1].split(",")
    }
    names = [line.split()[0] for line in lines[2:]]
    assert (
        names
        == {
            BOTH: ["collected", "consumed", "charged", "discharged"],
            ONE: ["charged", "discharged"],
            GEN2: ["collected", "consumed", "charged", "discharged", "charged"],
        }[plant]
    )
    assert sum("cannot be known" in line for line in lines) == (2 if plant is GEN2 else 0)


def test_a_ledger_that_adds_the_days_alone_is_found_out() -> None:
    """It loses the nights without a link, and believes what is damaged."""
    lines, is_right = judged(BOTH, DaysAlone())
    assert not is_right
    assert any("WRONG consumed" in line for line in lines)


def test_the_same_seed_lives_the_same_life() -> None:
    """And another one another."""
    lives = [Living(ONE, seed, 0.3).live() for seed in (7, 7, 8)]
    assert lives[0].true == lives[1].true != lives[2].true
    assert lives[0].shown == lives[1].shown


def test_a_thousand_losses_in_a_year() -> None:
    """Seconds to thirty hours, and the rest of the year the BMS is heard."""
    plan = list(losses(Random(1), 365))
    away = [each for _, each in plan if each]
    assert len(away) == 1000
    assert min(away) < 60 and 20 * 3600 < max(away) <= 30 * 3600
    assert sum(heard + lost for heard, lost in plan) == pytest.approx(365 * 86400)


def hours(*shown: float) -> Life:
    """Return a life in which a kWh was collected each hour, and something was shown."""
    life = Life(begun={Flow.COLLECTED: 0.0}, shown={Flow.COLLECTED: shown[-1]})
    life.hours = [
        Hour({Flow.COLLECTED: each}, {Flow.COLLECTED: 1000.0 * (number + 1)})
        for number, each in enumerate(shown)
    ]
    return life


@pytest.mark.parametrize(
    ("shown", "bars", "wrong"),
    [
        ((1000, 2000, 3000), (0, 1, 1), None),
        ((1000, 2000, 1900), (0, 1, -0.1), "hour 2 has a bar of -0.100 kWh"),
        ((1000, 1000, 5500), (0, 0, 4.5), "hour 2 has a bar of 4.500 kWh too much"),
        ((1000, 3200, 3300), (0, 2.2, 0.1), "hour 1 has a bar of 2.200 kWh too much"),
        ((1000, 2000, 3000), (0, 1, 0.5), "the bars sum up to 1.500 kWh instead of 2.000 kWh"),
        ((1000, 2000, 3000), (0, 1), "2 bars for 3 hours"),
    ],
)
def test_bars(shown: tuple[float, ...], bars: tuple[float, ...], wrong: str | None) -> None:
    """None below zero, none above what there was, and all together what the total rose by."""
    found = list(year.wrong_bars(hours(*shown), {"collected": bars}))
    assert found == ([] if wrong is None else [f"collected: {wrong}"])


@pytest.mark.parametrize(("hours_later", "is_wrong"), [(10, False), (60, True)])
def test_what_was_held_back_long_ago_is_no_excuse(hours_later: int, is_wrong: bool) -> None:
    """What a gap held back comes when it ends; the same bar out of nothing days later is made up."""
    before = [1000.0 * hour for hour in range(1, 6)]
    lost = [1000.0 * hour - 4000 for hour in range(6 + 4, 6 + 4 + hours_later)]
    totals = [*before, *[5000.0] * 4, *lost, 1000.0 * (10 + hours_later)]
    bars = [0.0, *((after - earlier) / 1000 for earlier, after in pairwise(totals))]
    found = list(year.wrong_bars(hours(*totals), {"collected": bars}))
    assert bool(found) is is_wrong


@pytest.mark.parametrize(
    ("counted", "is_wrong"), [(2_000_000, False), (1_998_100, False), (1_997_900, True), (2_002_100, True)]
)
def test_a_thousandth(counted: float, is_wrong: bool) -> None:
    """Of 2 MWh two kWh are allowed, no matter which way; of what cannot be known, everything."""
    row = year.Row("collected", 2_000_000, counted, 2_000_000)
    assert row.is_wrong is is_wrong
    assert not replace(row, is_known=False).is_wrong


def test_nothing_flowed() -> None:
    """Then there is no share to be wrong by."""
    assert year.Row("collected", 0, 0, 0).error == 0


def test_the_flows_that_can_be_known() -> None:
    """Generation 2 does not count the flow of its battery; a single sensor knows no other."""
    assert [plant.known for plant in PLANTS] == [frozenset(Flow), BATTERY, frozenset(Flow) - BATTERY]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """It lives through all plants at once."""
    assert main(["--year", "0.2", "--seed", "3"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("0.2 days, seed 3\n")
    assert [plant.name in told for plant in PLANTS] == [True, True, True]


def test_one_plant_that_is_wrong_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code says so."""
    assert year.report([(["first"], True), (["second"], False)]) == 1
    assert year.report([(["first"], True)]) == 0
    assert capsys.readouterr().out == "first\nsecond\nfirst\n"


def test_writes_and_year_exclude_each_other() -> None:
    """One or the other, and one of them."""
    for arguments in ([], ["--writes", "--year"]):
        with pytest.raises(SystemExit):
            main(arguments)


def test_what_is_saved_is_json() -> None:
    """Else a restart in the year would be none."""
    living = Living(GEN2, 1, 0.2)
    living.live()
    saved = living.ledger.as_json()
    assert Ledger.from_json(json.loads(json.dumps(saved))).as_json() == saved
