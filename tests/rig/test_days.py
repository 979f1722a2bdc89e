"""Two short days of those that `scripts/soak --days` lives through, and what it says of days that are wrong."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
import logging
from random import Random
import re
import time
from typing import Final

import pytest

from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.cells_feed import async_follow_cells
from custom_components.smartbms.model.ledger import Flow
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from scripts.rig import days
from scripts.rig.days import Day, Lived, lines, live, live_all, told
from scripts.rig.days_house import House, house
from scripts.rig.days_packs import PLANS, Error, Pack, Totals, add
from scripts.rig.footprint import Acting, Memory, acting, memory, size
from scripts.rig.life import NEW_YEAR
from scripts.rig.virtual_loop import run

HOUR: Final = 3600.0
# A visit of few cells is short, and what is counted is believed once it was heard three times.
SHORT: Final = tuple(replace(plan, cells=8, losses=(60.0,)) for plan in PLANS if plan.name != "255 cells")
OWN: Final = Acting(7, 6, 900)
DAY: Final = Day(
    cpu=50.0,
    memory=Memory(300_000_000, 170_000_000, 1_000_000),
    size=2_000_000,
    acting=OWN,
    rows=Counter({"16 cells": 14_000, "255 cells": 900}),
    database=10_000_000,
    stored=60_000,
    errors={"16 cells, charged": Error(-9.0, 10_000.0), "16 cells, collected": Error(12.0, 14_000.0)},
)


@pytest.fixture(autouse=True)
def quiet_database(caplog: pytest.LogCaptureFixture) -> None:
    """Let nobody gather every statement of the database."""
    caplog.set_level(logging.WARNING, "sqlalchemy.engine")


def verdicts(lived: Lived) -> dict[str, bool]:
    """Return which lines hold."""
    return {line.name: line.passes for line in lines(lived)}


def wrong(*lived: Day, fallen: float = 0.0, predicted: int = 10, missed: int = 0) -> list[str]:
    """Return the lines that do not hold."""
    found = Lived(list(lived), fallen=fallen, predicted=predicted, wrong=missed)
    return [name for name, passes in verdicts(found).items() if not passes]


def test_two_days_as_each_other() -> None:
    """Nothing is wrong with them."""
    assert wrong(DAY, DAY) == []
    assert wrong(*[DAY] * 30) == []


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (replace(DAY, memory=Memory(309_000_000, 170_900_000, 2_000_000)), []),
        (replace(DAY, memory=Memory(300_000_000, 171_100_000, 1_000_000)), ["memory in use, since day 1"]),
        (replace(DAY, size=3_100_000), ["objects of ours, since day 1"]),
        (replace(DAY, acting=OWN._replace(tasks=8)), ["tasks of ours, since day 1"]),
        (replace(DAY, acting=OWN._replace(timers=7)), ["timers of ours, since day 1"]),
        (replace(DAY, acting=OWN._replace(callbacks=901)), ["callbacks of ours, since day 1"]),
        (replace(DAY, acting=OWN._replace(callbacks=899)), []),
        (replace(DAY, errors={"x": Error(-101.0, 10_000.0)}), ["error of an energy at the end"]),
        (replace(DAY, errors={"x": Error(-99.0, 10_000.0)}), []),
        (
            replace(DAY, errors={"x": Error(-1001.0, 900_000.0)}),
            ["error of an energy, to what it may be"],
        ),
        (replace(DAY, errors={"x": Error(1001.0, 1_100_000.0)}), []),
        (replace(DAY, rows=Counter({"16 cells": 20_001})), ["rows of a day, 16 cells"]),
        (replace(DAY, rows=Counter({"16 cells": 20_000, "255 cells": 30_000})), []),
        (replace(DAY, stored=600_000), []),
        (replace(DAY, stored=600_001), ["stored files at the end"]),
        (replace(DAY, cpu=62.0), []),
        (replace(DAY, cpu=63.0), ["CPU time of a late day, to an early"]),
    ],
)
def test_a_day_that_is_wrong(last: Day, what: list[str]) -> None:
    """Each limit has its line."""
    assert wrong(DAY, last) == what


def test_totals_that_fall() -> None:
    """None may ever."""
    assert wrong(DAY, DAY, fallen=1.0) == ["largest fall of a total"]


def test_predictions_that_miss() -> None:
    """One in twenty may."""
    assert wrong(DAY, DAY, predicted=100, missed=5) == []
    assert wrong(DAY, DAY, predicted=100, missed=6) == ["predictions that were wrong"]
    assert wrong(DAY, DAY, predicted=0) == []


def test_an_energy_at_the_end_of_many_days() -> None:
    """Then a thousandth is all that may be wrong."""
    late = replace(DAY, errors={"x": Error(11.0, 10_000.0)})
    assert wrong(*[late] * 29, DAY) == []
    assert wrong(*[DAY] * 29, late) == ["error of an energy at the end"]


def test_what_grows_for_others_only() -> None:
    """With the first night in which the recorder forgets it needs more memory; later it does not grow."""
    later = replace(DAY, memory=Memory(320_000_000, 185_000_000, 12_000_000))
    assert wrong(*[DAY] * 10, *[later] * 20) == []
    grown = replace(DAY, memory=Memory(320_000_000, 186_100_000, 12_000_000))
    assert wrong(*[DAY] * 10, *[later] * 19, grown) == ["memory in use, in the last 10 days"]


def test_slower_and_slower() -> None:
    """Of many days the last five are compared with the first five but one; a single slow day does not matter."""
    slow = "CPU time of a late day, to an early"
    assert wrong(*[DAY] * 25, *[replace(DAY, cpu=54.9)] * 5) == []
    assert wrong(*[DAY] * 25, *[replace(DAY, cpu=55.1)] * 5) == [slow]
    assert wrong(*[DAY] * 28, *[replace(DAY, cpu=99.0)] * 2) == []
    assert wrong(replace(DAY, cpu=20.0), *[DAY] * 29) == []


def test_what_is_told_of_a_day() -> None:
    """One line, in which the database is what it has grown by."""
    assert told([DAY, replace(DAY, database=13_210_000)]) == (
        "day   2: 50.0 s, 300.00 MB, 170.00 MB in use, ours 2.000 MB, 7 tasks, 6 timers, 900 callbacks, "
        "14900 rows, database +3.21 MB, stored 60.0 kB, 16 cells, charged: 0.0900%, -9 Wh"
    )


def test_an_error() -> None:
    """As a share of what flowed; of little a kWh may be open, of much a thousandth."""
    assert Error(-3.0, 1500.0).share == 0.002
    assert Error(0.0, 0.0).share == 0
    assert Error(-500.0, 1500.0).of_promise == 0.5
    assert Error(2000.0, 4_000_000.0).of_promise == 0.5


def test_the_calendar() -> None:
    """Every clock of Home Assistant begins at New Year and goes with the loop's; afterwards it is the real one."""

    async def look() -> list[datetime]:
        async with house() as here:
            before = dt_util.utcnow()
            await here.pass_time(36 * HOUR)
            here.hass.states.async_set("sensor.late", "1")
            state = here.hass.states.get("sensor.late")
            assert state is not None
            return [before, dt_util.utcnow(), state.last_updated, dt_util.now().astimezone(UTC)]

    before, *after = run(look())
    assert 0 <= before.timestamp() - NEW_YEAR < 60
    assert [round((each - before).total_seconds() / HOUR) for each in after] == [36, 36, 36]
    assert abs(dt_util.utcnow().timestamp() - time.time()) < 60
    assert time.time() - NEW_YEAR > 200 * 24 * HOUR


def test_a_bms_out_of_reach() -> None:
    """It is lost at once, lives on unheard, and is found again."""

    async def live_through() -> list[Connection]:
        async with house() as here:
            pack = await of(here)
            session, seen = pack.entry.runtime_data.session, []
            for act in (lambda _: None, here.air.lose, here.air.find):
                act(pack.firmware)
                await here.pass_time(120)
                seen.append(session.state)
            return seen

    assert run(live_through()) == [Connection.CONNECTED, Connection.DISCONNECTED, Connection.CONNECTED]


async def of(here: House) -> Pack:
    """Return a BMS of two cells that was set up in a house."""
    return Pack(here, SHORT[0], await add(here.hass, SHORT[0]), Random(1))


def test_a_battery_lives_on_when_it_is_not_heard() -> None:
    """Out of reach for two hours it collects and is emptied, and what is predicted meanwhile is looked at."""

    async def live_through() -> tuple[float, int]:
        async with house() as here:
            pack = await of(here)
            pack.begin_day()
            await here.pass_time(120)
            here.air.lose(pack.firmware)
            before = pack.true[Flow.CONSUMED]
            await asyncio.gather(here.pass_time(2 * HOUR), pack._pass(2 * HOUR))
            assert pack.told > 0
            return pack.true[Flow.CONSUMED] - before, pack.predictions.made

    consumed, predicted = run(live_through())
    assert 50 < consumed < 500
    assert predicted > 100


def test_the_recorder_keeps_pace() -> None:
    """What happened in two hours is in its file, with the time at which it happened, and so are statistics."""

    async def live_through() -> tuple[int, int, int, float]:
        async with house() as here:
            pack = await of(here)
            pack.begin_day()
            await here.pass_time(2 * HOUR)
            await here.tidy()
            since = NEW_YEAR + HOUR
            both, late = await here.database(0), await here.database(since)
            assert here.stored().keys() == {f"smartbms.{pack.entry.entry_id}{end}" for end in ("", ".energy")}
            return both.rows.total(), late.rows.total(), both.size, dt_util.utcnow().timestamp()

    both, late, size, now = run(live_through())
    assert 0.2 * both < late < 0.6 * both
    assert size > 200_000
    assert 2 * HOUR <= now - NEW_YEAR < 2.1 * HOUR


def test_a_total_that_falls() -> None:
    """The entities of an entry are followed, and the largest fall is kept."""

    async def live_through() -> tuple[dict[Flow, float], float]:
        async with house() as here:
            pack = await of(here)
            await here.pass_time(60)
            totals = Totals(here.hass, pack.entry)
            entity_id = er.async_get(here.hass).async_get_entity_id(
                "sensor", "smartbms", f"{pack.entry.unique_id}_collected_total"
            )
            assert entity_id is not None
            for state in ("322.5", "unavailable", "322.4", "322.45"):
                here.hass.states.async_set(entity_id, state)
                await here.hass.async_block_till_done()
            return dict(totals.shown), totals.fallen

    shown, fallen = run(live_through())
    assert shown.keys() == set(Flow)
    assert shown[Flow.COLLECTED] == pytest.approx(322_450)
    assert fallen == pytest.approx(100)


def test_what_may_act() -> None:
    """A BMS is seen in it, wherever what is of it is kept, and one that was removed leaves nothing."""

    async def live_through() -> list[tuple[int, Acting]]:
        async with house() as here:
            await of(here)
            await here.pass_time(120)
            found = [(size(), acting())]
            pack = await of(here)
            await here.pass_time(120)
            found.append((size(), acting()))
            async_follow_cells(here.hass, pack.entry, lambda _: None)()
            await here.hass.config_entries.async_remove(pack.entry.entry_id)
            del pack
            await here.pass_time(120)
            return [*found, (size(), acting())]

    (size_of_one, one), (size_of_two, two), (_, last) = run(live_through())
    assert two.tasks - one.tasks == 2
    assert two.timers >= 1
    assert two.callbacks - one.callbacks > 100
    assert size_of_two - size_of_one > 50_000
    assert last.tasks == one.tasks
    assert last.callbacks <= one.callbacks + 10


def test_two_short_days(capsys: pytest.CaptureFixture[str]) -> None:
    """Two BMS and their bank live through two days of eighty minutes; of so little energy a Wh is much."""
    lived = run(live(2, 1, SHORT, 4800.0))
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["day   1", "day   2"]
    first, last = lived.days
    assert lived.fallen == 0
    assert lived.predicted > 0
    assert last.errors[last.worst].share < 0.02
    assert {name.partition(",")[0] for name in last.errors} == {"16 cells", "gen 2", "bank of two"}
    assert last.acting.tasks == first.acting.tasks == 3
    # The last energies of generation 2 are known late.
    assert first.acting.callbacks <= last.acting.callbacks <= first.acting.callbacks + 10
    assert abs(last.size - first.size) < 100_000
    assert last.rows.keys() == {"16 cells", "gen 2", "bank of two"}
    assert last.database > first.database


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows every line, and its exit code says whether all of them hold."""

    async def lived_through(number: int, seed: int) -> Lived:
        assert (number, seed) == (2, 7)
        return Lived([DAY, last], predicted=1)

    monkeypatch.setattr(days, "live", lived_through)
    monkeypatch.setattr(days, "keep_together", lambda: None)
    last = DAY
    assert live_all(2, 7) == 0
    assert capsys.readouterr().out.count(" ok\n") == len(list(lines(Lived([DAY, DAY]))))
    last = replace(DAY, stored=700_000)
    assert live_all(2, 7) == 1
    assert re.search(r"stored files at the end +700 kB +at most 600 +TOO MUCH", capsys.readouterr().out)


def test_memory_of_the_process() -> None:
    """Ten megabytes more are seen, and that they are in use."""
    before = memory()
    kept = [bytearray(7_000_000), [str(number) for number in range(50_000, 100_000)]]
    after = memory()
    assert 6_000_000 < after.resident - before.resident < 12_000_000
    assert 9_500_000 < after.used - before.used < 11_000_000
    assert len(kept) == 2
