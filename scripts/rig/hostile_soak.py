"""Hostile devices in a real Home Assistant: what they cost it, and what its owner is told.

Each plays one trick, first on the person who sets it up and then on the entry, while a good BMS beside it
has to go on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Any, Final, cast

from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.peripheral import BmsPeripheral

from .api import ApiError
from .hostile import TRICKS, HostileBms, Trick, hostile_bms
from .world import PIN, World, simulated_bms, world

EVENT_LOOP: Final = Path(__file__).parent / "components" / "event_loop"
# What Home Assistant may be held up by at most, in ms, and what it may grow by, in MB.
LONGEST_LAG: Final = 50.0
MOST_GROWTH: Final = 20.0
# How long one trick is played, in s.
SECONDS: Final = 60.0
_GOOD: Final = 1
_FIRST_BAD: Final = 6001
_ADVERTISE_EVERY: Final = 0.2
_SLOTS: Final = 24
_LOOK_EVERY: Final = 1.0
_NEWS_TIMEOUT: Final = 15.0
_PAGE: Final = 4096
# In ms and s: the hundreds of entities of a crowd come in portions.
_SETTLED_LAG: Final = 15.0
_SETTLING_TIMEOUT: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a while cost Home Assistant: lags of its event loop in ms, growth of its memory in MB.

    `collection` is the longest pause for garbage, which has no limit: it takes that long without us too.
    """

    p99: float
    longest: float
    longest_but_one: float
    collection: float
    growth: float

    @property
    def passes(self) -> bool:
        """Whether the limits hold."""
        return self.longest < LONGEST_LAG and self.growth < MOST_GROWTH


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a trick ended: what the form said, and what the entry said every second since; keys of errors."""

    form: str | None
    entry: tuple[str | None, ...]

    def is_clear(self, trick: Trick) -> bool:
        """Whether the owner was told what is wrong, and nothing else."""
        # A trick begins with the loss of the connection.
        told = {self.form, *self.entry} - {None, "connection_lost"}
        if trick.ends is None:
            return not told and self.entry[-1] is None
        if trick.met_once:
            return told == {self.form} == {trick.ends}
        return trick.ends in self.entry and told <= {trick.ends}


@asynccontextmanager
async def house(good: BmsPeripheral) -> AsyncIterator[World]:
    """Start a Home Assistant that measures itself, with a good BMS that is set up."""
    async with world([good], slots=_SLOTS, companions=[EVENT_LOOP]) as here:
        here.proxy.advertise_every = _ADVERTISE_EVERY
        await here.set_up(_name(_GOOD))
        await here.everything_known(good)
        yield here


class Meter:
    """Measures what a while costs Home Assistant."""

    def __init__(self, here: World) -> None:
        """Measure nothing yet."""
        self._here = here
        self._memory = 0.0

    async def begin(self) -> None:
        """Begin, once Home Assistant has nothing to do with what came before."""
        async with asyncio.timeout(_SETTLING_TIMEOUT):
            await self._lags()
            while True:
                await asyncio.sleep(_LOOK_EVERY)
                if (await self._lags())["longest"] < _SETTLED_LAG:
                    break
        self._memory = self._resident()

    async def cost(self) -> Cost:
        """Return what has been measured since the beginning."""
        lags = await self._lags()
        growth = self._resident() - self._memory
        return Cost(
            p99=lags["p99"],
            longest=lags["longest"],
            longest_but_one=lags["longest_but_one"],
            collection=lags["longest_collection"],
            growth=growth,
        )

    async def _lags(self) -> dict[str, float]:
        answer = await self._here.api.command(
            "call_service", domain="event_loop", service="read", service_data={}, return_response=True
        )
        return cast(dict[str, dict[str, float]], answer)["response"]

    def _resident(self) -> float:
        pages = Path(f"/proc/{self._here.home_assistant.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * _PAGE / 1e6


async def goes_on(here: World, good: BmsPeripheral) -> None:
    """See that a good BMS is heard at once: its chain of cells breaks and heals."""
    for broken in (True, False):
        good.firmware.chain_broken = broken
        wanted = "on" if broken else "off"

        async def shown(wanted: str = wanted) -> bool:
            return (await here.values())[f"{good.address}_communication_error"]["state"] == wanted

        await here.api.wait_for(shown, _NEWS_TIMEOUT, f"the good BMS to say {wanted}")


@dataclass(frozen=True, slots=True)
class Attack:
    """A device that has deceived somebody into setting it up; `form` is what it was told then."""

    here: World
    bms: HostileBms
    trick: Trick
    form: str | None
    entry_id: str

    async def last(self, seconds: float) -> End:
        """Play the trick on the entry for some seconds."""
        self.bms.play(self.trick)
        told: list[str | None] = []
        async with asyncio.timeout(seconds + _NEWS_TIMEOUT):
            for _ in range(int(seconds / _LOOK_EVERY)):
                await asyncio.sleep(_LOOK_EVERY)
                told.append(await self._error())
        return End(form=self.form, entry=tuple(told))

    async def _error(self) -> str | None:
        """Return why the entry is not set up, else the error of its link, as the diagnostics have it."""
        api, entry_id = self.here.api, self.entry_id
        (entry,) = [each for each in await api.entries(DOMAIN) if each["entry_id"] == entry_id]
        if entry["state"] != "loaded":
            return entry["error_reason_translation_key"]
        answer = await api.request("GET", f"/api/diagnostics/config_entry/{entry_id}")
        link: dict[str, str | None] = cast(dict[str, Any], answer)["data"]["link"]
        return link["error"]


@asynccontextmanager
async def attack(here: World, number: int, trick: Trick) -> AsyncIterator[Attack]:
    """Let a device play a trick on whoever sets it up, and then be good so that it is; take it away at the end."""
    bms, name = hostile_bms(number), _name(number)
    bms.play(trick)
    here.proxy.peripherals[bms.address] = bms
    entry_id = ""
    try:
        step = await here.set_up(name)
        form = next(iter((step.get("errors") or {}).values()), None)
        bms.play(Trick())
        if step["type"] == "form":
            step = await here.api.flow_step(step["flow_id"], {"pin": PIN})
        if step["type"] != "create_entry":
            raise ApiError(f"{name} could not be set up: {step}")
        entry_id = step["result"]["entry_id"]
        yield Attack(here, bms, trick, form, entry_id)
    finally:
        del here.proxy.peripherals[bms.address]
        if entry_id:
            await here.api.delete_entry(entry_id)


def _name(number: int) -> str:
    return f"123\\SmartBMS {number:05}"


async def _live(seconds: float) -> AsyncIterator[tuple[str, End, Cost]]:
    good = simulated_bms(serial_number=_GOOD, speed=0)
    async with house(good) as here:
        meter = Meter(here)
        # What Home Assistant loads with the first device that is like this is not the trick's.
        async with attack(here, _FIRST_BAD - 1, Trick()) as first:
            await first.last(_LOOK_EVERY)
        for number, (name, trick) in enumerate(TRICKS.items(), _FIRST_BAD):
            await meter.begin()
            async with attack(here, number, trick) as one:
                end, _ = await asyncio.gather(one.last(seconds), goes_on(here, good))
                await goes_on(here, good)
            yield name, end, await meter.cost()
        for complaint in complaints(here.home_assistant.log):
            print(complaint, file=sys.stderr)


def complaints(log: str) -> list[str]:
    """Return the errors in a log that are ours, or may be: those of the event loop have no other name."""
    about = ("smartbms", "[asyncio]", "[homeassistant]")
    return [line for line in log.splitlines() if " ERROR " in line and any(each in line for each in about)]


def table(rows: Sequence[tuple[str, End, Cost]]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{'trick':32}{'form says':18}{'entry says':18}{'p99 ms':>8}{'longest':>8}{'garbage':>8}{'MB':>7}"
    for name, end, cost in rows:
        told = ", ".join(sorted({error for error in end.entry if error})) or "-"
        verdict = "ok" if cost.passes and end.is_clear(TRICKS[name]) else "FAILS"
        yield (
            f"{name:32}{end.form or '-':18}{told:18}{cost.p99:8.1f}{cost.longest:8.1f}{cost.collection:8.1f}{cost.growth:7.1f}  {verdict}"
        )


async def live_all(seconds: float) -> int:
    """Play every trick, show what became of it, and return the exit code."""
    rows = []
    async for row in _live(seconds):
        rows.append(row)
        print(list(table([row]))[1], flush=True)
    failed = [name for name, end, cost in rows if not (cost.passes and end.is_clear(TRICKS[name]))]
    print(f"{len(rows)} tricks of {seconds:g} s each; {len(failed)} failed: {', '.join(failed) or '-'}")
    return 1 if failed else 0
