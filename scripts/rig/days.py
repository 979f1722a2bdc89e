"""The days: a house with several BMS lives through them in one Home Assistant, with a recorder.

Batteries are charged and emptied every day and links are lost. Nothing may grow or become slower after the
first day, energies and predictions have to be right, and the database may not grow by more than is promised.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
import gc
from itertools import pairwise
from random import Random
from statistics import median
from time import process_time
from typing import Final

from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.model.ledger import Flow
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .days_house import House, house
from .days_packs import BANK, BANK_OF, PLANS, Error, Pack, Plan, Totals, add, add_bank
from .footprint import Acting, Memory, acting, keep_together, memory, size
from .measuring import Line
from .rows import DAY, LIMIT
from .virtual_loop import run

DAYS: Final = 30
_MEGABYTE: Final = 1e6
# At the end of each day nothing flows for so many s, so that what is shown has caught up with what is true.
_REST: Final = 900.0
_AT_REST: Final = frozenset({Connection.CONNECTED, Connection.WAITING})
# How often to look, a second apart: for longer than it takes to publish twice.
_LOOKS: Final = 12
# So many days at the beginning, but for the first, are compared with as many at the end.
_COMPARED: Final = 5
_SLOWER, _SLOWER_IN_FEW_DAYS = 1.1, 1.25
# In %: of an energy, also when it has been little as yet, and of the predictions, of which 19 out of 20 hold.
_LARGEST_ERROR, _LARGEST_ERROR_IN_FEW_DAYS = 0.1, 1.0
_WRONG: Final = 5.0
# 576 moments of 200 bytes, and what is known besides: in kB for each BMS.
_STORED: Final = 200.0
# The recorder keeps states for ten days. In the first night in which it forgets some it needs more memory,
# and SQLite holds on to its large statements, with or without us.
_KEPT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was measured at the end of a day.

    `cpu` in s; `size` of all objects of ours, of the `database` and of what is `stored` in bytes; `rows` of
    states by BMS; `errors` are those of the energies since the beginning.
    """

    cpu: float
    memory: Memory
    size: int
    acting: Acting
    rows: Counter[str]
    database: int
    stored: int
    errors: dict[str, Error]

    @property
    def worst(self) -> str:
        """The energy with the largest error, as a share of what flowed."""
        return max(self.errors, key=lambda name: self.errors[name].share)


@dataclass(slots=True)
class Lived:
    """All days, and what went wrong at any time: `fallen` is the largest fall of a total in Wh.

    Of the predictions of the state of charge so many were made, and so many wrong.
    """

    days: list[Day] = field(default_factory=list)
    fallen: float = 0.0
    predicted: int = 0
    wrong: int = 0


class Household:
    """The BMS and the bank of a house, and what they showed and were at the beginning."""

    def __init__(self, here: House, packs: Sequence[Pack], totals: dict[str, Totals]) -> None:
        """Begin with what is shown and true now."""
        self.packs = packs
        self._here = here
        self._totals = totals
        self._begun = {name: dict(each.shown) for name, each in totals.items()}
        self._zero = self._true()

    def _true(self) -> dict[str, dict[Flow, float]]:
        true = {pack.plan.name: pack.true for pack in self.packs}
        members = [true[name] for name in BANK_OF]
        return true | {BANK: {flow: sum(each[flow] for each in members) for flow in Flow}}

    def errors(self) -> dict[str, Error]:
        """Return the error of every energy since the beginning, of those that are known anyway."""
        now = self._true()
        known = {pack.plan.name: pack.plan.known for pack in self.packs}
        known[BANK] = frozenset.intersection(*(known[name] for name in BANK_OF))
        return {
            f"{name}, {flow}": Error(
                totals.shown[flow]
                - self._begun[name][flow]
                - (true := now[name][flow] - self._zero[name][flow]),
                true,
            )
            for name, totals in self._totals.items()
            for flow in sorted(known[name])
        }

    @property
    def fallen(self) -> float:
        """The largest fall of a total that was shown, in Wh."""
        return max(totals.fallen for totals in self._totals.values())

    def rows(self, by_entity: Counter[str]) -> Counter[str]:
        """Return rows by BMS; those of no BMS are the bank's."""
        registry, names = er.async_get(self._here.hass), {}
        for pack in self.packs:
            for each in er.async_entries_for_config_entry(registry, pack.entry.entry_id):
                names[each.entity_id] = pack.plan.name
        found: Counter[str] = Counter()
        for entity_id, count in by_entity.items():
            found[names.get(entity_id, BANK)] += count
        return found

    async def rest(self) -> None:
        """Let nothing flow until all of it is shown, and until nobody is being visited."""
        for pack in self.packs:
            pack.rest()
        await self._here.pass_time(_REST)
        while any(pack.entry.runtime_data.session.state not in _AT_REST for pack in self.packs):
            await asyncio.sleep(1.0)

    async def live_day(self, seconds: float) -> Day:
        """Live through a day of some seconds, and measure it."""
        began, busy = dt_util.utcnow().timestamp(), process_time()
        end = self._here.hass.loop.time() + seconds
        for pack in self.packs:
            pack.begin_day()
        awake = seconds - 2 * _REST
        await asyncio.gather(self._here.pass_time(awake), *(pack.live(awake) for pack in self.packs))
        await self.rest()
        busy = process_time() - busy
        might_act = await self._acting()
        await self._here.tidy()
        database = await self._here.database(began)
        day = Day(
            cpu=busy,
            memory=memory(),
            size=size(),
            acting=might_act,
            rows=self.rows(database.rows),
            database=database.size,
            stored=sum(self._here.stored().values()),
            errors=self.errors(),
        )
        # All days begin at the same time of day.
        await self._here.pass_time(end - self._here.hass.loop.time())
        return day

    async def _acting(self) -> Acting:
        """Return what may act all the time; what may for a moment only is not in all of the looks."""
        gc.collect()
        looks = []
        for _ in range(_LOOKS):
            looks.append(acting())
            await asyncio.sleep(1.0)
        return Acting(*map(min, zip(*looks, strict=True)))


async def household(here: House, plans: Sequence[Plan], random: Random) -> Household:
    """Set everything up, and wait until all of it is shown."""
    packs = [Pack(here, plan, await add(here.hass, plan), random) for plan in plans]
    bank = await add_bank(here.hass, [pack.entry for pack in packs if pack.plan.name in BANK_OF])
    for pack in packs:
        pack.rest()
    await here.pass_time(2 * _REST)
    totals = {pack.plan.name: Totals(here.hass, pack.entry) for pack in packs}
    return Household(here, packs, totals | {BANK: Totals(here.hass, bank)})


async def live(days: int, seed: int, plans: Sequence[Plan] = PLANS, seconds: float = DAY) -> Lived:
    """Live for some days, and tell of each; a day has so many seconds."""
    lived = Lived()
    async with house() as here:
        home = await household(here, plans, Random(seed))
        for _ in range(days):
            lived.days.append(await home.live_day(seconds))
            print(told(lived.days), flush=True)
        lived.fallen = home.fallen
        lived.predicted = sum(pack.predictions.made for pack in home.packs)
        lived.wrong = sum(pack.predictions.wrong for pack in home.packs)
    return lived


def told(days: Sequence[Day]) -> str:
    """Return the line that tells of the last day."""
    day, size = days[-1], days[-1].database - (days[-2].database if len(days) > 1 else 0)
    worst = day.errors[day.worst]
    return (
        f"day {len(days):3}: {day.cpu:.1f} s, {day.memory.resident / _MEGABYTE:.2f} MB, "
        f"{day.memory.used / _MEGABYTE:.2f} MB in use, ours {day.size / _MEGABYTE:.3f} MB, "
        f"{day.acting.tasks} tasks, {day.acting.timers} timers, {day.acting.callbacks} callbacks, "
        f"{day.rows.total()} rows, database {size / _MEGABYTE:+.2f} MB, stored {day.stored / 1000:.1f} kB, "
        f"{day.worst}: {worst.share:.4%}, {worst.wrong:+.0f} Wh"
    )


def lines(lived: Lived) -> Iterator[Line]:
    """Yield what was measured, each against its limit."""
    yield from _grown(lived.days)
    yield from _kept(lived.days)
    yield from _right(lived)


def _grown(days: Sequence[Day]) -> Iterator[Line]:
    """Yield what may not grow, nor become slower."""
    first, last = days[0], days[-1]
    yield _megabytes("objects of ours, since day 1", last.size - first.size, 1.0)
    base = first if len(days) <= _KEPT else days[-1 - len(days) // 3]
    since = "since day 1" if base is first else f"in the last {len(days) // 3} days"
    yield _megabytes(f"memory in use, {since}", last.memory.used - base.memory.used, 1.0)
    if base is not first:
        yield _megabytes("memory in use, since day 1", last.memory.used - first.memory.used)
    yield _megabytes("SQLite's part in it, since day 1", last.memory.database - first.memory.database)
    yield _megabytes("memory of the process, since day 1", last.memory.resident - first.memory.resident)
    for what, then, now in zip(Acting._fields, first.acting, last.acting, strict=True):
        yield _line(f"{what} of ours, since day 1", "", now - then, 0)
    few = len(days) < 2 + _COMPARED
    early = days[: len(days) // 2] if few else days[1 : 1 + _COMPARED]
    slower = median(day.cpu for day in days[-len(early) :]) / median(day.cpu for day in early)
    yield _line("CPU time of a late day, to an early", "", slower, _SLOWER_IN_FEW_DAYS if few else _SLOWER)


def _kept(days: Sequence[Day]) -> Iterator[Line]:
    """Yield what is written."""
    name = PLANS[0].name
    yield _line(f"rows of a day, {name}", "", max(day.rows[name] for day in days), LIMIT)
    sizes = [after.database - before.database for before, after in pairwise(days)]
    yield _megabytes("database, each of the first days", median(sizes[: _KEPT - 1]))
    if len(days) > 2 * _KEPT:
        yield _megabytes("database, each of the last days", median(sizes[-_COMPARED:]))
    yield _line("stored files on day 1", "kB", days[0].stored / 1000, None)
    yield _line("stored files at the end", "kB", days[-1].stored / 1000, _STORED * len(PLANS))


def _right(lived: Lived) -> Iterator[Line]:
    """Yield what has to be right."""
    days, last = lived.days, lived.days[-1]
    of_promise = max(error.of_promise for day in days for error in day.errors.values())
    yield _line("error of an energy, to what it may be", "", of_promise, 1.0)
    limit = _LARGEST_ERROR_IN_FEW_DAYS if len(days) <= _KEPT else _LARGEST_ERROR
    yield _line("error of an energy at the end", "%", 100 * last.errors[last.worst].share, limit)
    yield _line("largest fall of a total", "Wh", lived.fallen, 0)
    yield _line("predictions that were wrong", "%", 100 * lived.wrong / max(lived.predicted, 1), _WRONG)


def _line(name: str, unit: str, value: float, limit: float | None) -> Line:
    return Line(name=name, unit=unit, value=value, spread=0.0, limit=limit)


def _megabytes(name: str, size: float, limit: float | None = None) -> Line:
    return _line(name, "MB", size / _MEGABYTE, limit)


def live_all(days: int, seed: int) -> int:
    """Live for some days, at least two, show what was measured, and return the exit code."""
    keep_together()
    lived = run(live(days, seed))
    for line in (found := list(lines(lived))):
        limit = "" if line.limit is None else f"at most {line.limit:g}"
        verdict = "ok" if line.passes else "TOO MUCH"
        print(f"{line.name:40}{line.value:12.4g} {line.unit:4}{limit:18}{verdict}")
    return 0 if all(line.passes for line in found) else 1
