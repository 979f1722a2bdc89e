"""What Home Assistant shows while faults happen, compared on the spot with what the BMS have had."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from time import time
from typing import Any, Final, cast

from custom_components.smartbms.const import DOMAIN

from .api import Api, State
from .fault_truth import TOTALS, History, had_now
from .faulty_bms import FaultyBms
from .world import SOMETIMES_UNKNOWN

# Entities keep their values this long after the last word of the BMS, in s.
GRACE: Final = 30.0
# What the way of a value from the BMS into a state may take, in s.
_LATE: Final = 1.0
# What is shown was heard this long before the last word at most, in s: the cells come one by one.
_OLDEST: Final = 120.0
# A BMS that says nothing for as long, in s, is silent.
_SILENCE: Final = 1.5
# A silence of this many s is longer than the grace time without doubt, and what was heard before is forgotten.
SURE: Final = GRACE + 2.0
# A record that was made of pieces of others is shown until the next one of its kind, in s.
_AFTER_DAMAGE: Final = 10.0
_GONE: Final = ("unavailable", "unknown")
_CONNECTION: Final = "connection"
_CONNECTED: Final = "connected"


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long it took to be connected again, in s, after what."""

    seconds: float
    name: str
    after: str


@dataclass(slots=True)
class Silence:
    """From when to when a BMS was not heard, on the clock of the loop.

    One that `is_excused` is no outage without doubt: Home Assistant or the entry was loaded anew in it.
    """

    begin: float
    end: float
    is_excused: bool = False

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.begin


@dataclass(slots=True)
class Seen:
    """All that was seen and must not be; values that came of `damaged` notifications are told apart."""

    recoveries: list[Recovery] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    flaps: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    falls: list[str] = field(default_factory=list)
    compared: int = 0


class Device:
    """One BMS as the soak knows it: what it has had, when it was heard, and what is shown of it."""

    def __init__(self, bms: FaultyBms, name: str) -> None:
        """Watch a BMS that is not set up yet."""
        self.bms = bms
        self.name = name
        self.entry_id = ""
        self.history = History()
        self.silences: list[Silence] = []
        # When it was heard last, and whether that was before Home Assistant started.
        self.told = -inf
        self.is_new = True
        self.connection: str | None = None
        self.lost_at = -inf
        self.cause_gone_at = -inf
        self.last_fault = "nothing"
        self.is_pin_known = True
        self.is_reachable = False
        self.missed_midnight = False
        self._today = bms.firmware.today
        self.excused_until = inf
        self.totals: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        bms.on_cycle = lambda: self.history.note(loop.time(), had_now(bms.firmware))

    def look_for_midnight(self, *, is_missed: bool) -> None:
        """Note whether the counter of the day has begun anew while nobody listened."""
        if self._today is not (today := self.bms.firmware.today):
            self._today = today
            self.missed_midnight = self.missed_midnight or is_missed

    @property
    def has_both(self) -> bool:
        """Whether it has both current sensors."""
        return self.bms.firmware.sensors.load is not None

    def hear(self, now: float) -> None:
        """Note that Home Assistant has heard the BMS."""
        if now - self.told > _SILENCE:
            self.silences.append(Silence(self.told, now, self.is_new or now < self.excused_until))
        self.told, self.is_new = now, False

    def silent_for(self, at: float) -> float:
        """Return for how many s the BMS had been silent at a time, which may be a moment ago."""
        for silence in reversed(self.silences):
            if silence.begin < at <= silence.end:
                return at - silence.begin
        return max(at - self.told, 0.0)

    def oldest(self, at: float) -> float:
        """Return the time since when something that is shown at a time may have been heard."""
        last = at - self.silent_for(at)
        ends = [each.end for each in self.silences if each.end <= at + _LATE and each.seconds > SURE]
        return max(last - _OLDEST, ends[-1] - _LATE if ends else -inf)


class Watch:
    """Follows the states of a Home Assistant through its restarts; `stopping` while it goes down."""

    def __init__(self, devices: Sequence[Device]) -> None:
        """Have seen nothing yet."""
        self.seen = Seen()
        self.stopping = False
        self._devices = {each.bms.address: each for each in devices}
        self._entities: dict[str, tuple[Device, str] | None] = {}
        self._loop = asyncio.get_running_loop()

    async def follow(self, api: Api, ready: Callable[[], None]) -> None:
        """Take every change of a state until Home Assistant ends; `ready` is called once that has begun."""
        async with api.subscribe_events("state_changed") as events:
            await self._look_up(api)
            for state in (await api.states()).values():
                self._see(state, None)
            ready()
            while True:
                try:
                    event = await events.get()
                except asyncio.QueueShutDown:
                    return
                data = cast(dict[str, Any], event["data"])
                if data["entity_id"] not in self._entities:
                    await self._look_up(api)
                    self._entities.setdefault(data["entity_id"], None)
                if data["new_state"] is not None:
                    self._see(data["new_state"], data["old_state"])

    async def _look_up(self, api: Api) -> None:
        for entity in await api.entities():
            address, _, key = entity["unique_id"].partition("_")
            if entity["platform"] == DOMAIN and address in self._devices:
                self._entities[entity["entity_id"]] = self._devices[address], key

    def _see(self, new: State, old: State | None) -> None:
        if (found := self._entities.get(new["entity_id"])) is None:
            return
        device, key = found
        # States are stamped with the clock on the wall.
        ago = time() - datetime.fromisoformat(new["last_updated"]).timestamp()
        at = self._loop.time() - max(ago, 0.0)
        if key == _CONNECTION:
            self.connection(device, new["state"], at)
        elif new["state"] in _GONE:
            self._gone(device, key, new["state"], None if old is None else old["state"], at)
        elif key in TOTALS:
            self._total(device, key, float(new["state"]))
        elif device.history.knows(key):
            self._compare(device, key, new["state"], at)

    def connection(self, device: Device, state: str, at: float) -> None:
        """Take another state of a link."""
        since = max(device.cause_gone_at, device.lost_at)
        if state == _CONNECTED and device.connection != _CONNECTED and since > -inf:
            seconds = at - since
            self.seen.recoveries.append(Recovery(max(seconds, 0.0), device.name, device.last_fault))
        elif state != _CONNECTED and device.connection == _CONNECTED:
            device.lost_at = at
        device.connection = state

    def _gone(self, device: Device, key: str, state: str, old: str | None, at: float) -> None:
        is_usual = state == "unknown" and key in SOMETIMES_UNKNOWN
        if old in (None, *_GONE) or is_usual or self.stopping or at < device.excused_until:
            return
        if (silent := device.silent_for(at)) < GRACE - _LATE:
            self.seen.flaps.append(
                f"{device.name}: {key} was {old} and became {state} after {silent:.1f} s of silence"
                f" ({device.last_fault})"
            )

    def _total(self, device: Device, key: str, shown: float) -> None:
        if shown < (before := device.totals.get(key, 0.0)):
            self.seen.falls.append(
                f"{device.name}: {key} fell from {before} to {shown} kWh ({device.last_fault})"
            )
        device.totals[key] = shown

    def _compare(self, device: Device, key: str, text: str, at: float) -> None:
        self.seen.compared += 1
        if not device.history.had(key, text, device.oldest(at), self._loop.time()):
            before = device.history.values(key)[-3:]
            is_damaged = at - device.bms.damaged_at < _AFTER_DAMAGE
            (self.seen.damaged if is_damaged else self.seen.untrue).append(
                f"{device.name}: {key} showed {text}, the BMS had {before} ({device.last_fault})"
            )
