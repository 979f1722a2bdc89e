"""The house of the tests: one Home Assistant and one proxy, and the BMS that a test brings in."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
import re
from typing import Any, cast

import pytest

from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.util.json import JsonValueType
from scripts.rig.api import ApiError, FlowStep
from scripts.rig.world import PIN, SOMETIMES_UNKNOWN, World, configure

# Every test of this package runs on the event loop on which Home Assistant's stand-ins live.
E2E = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.asyncio(loop_scope="session"),
]

DOMAIN = "smartbms"
# These tell of the link, and are there without the BMS.
ABOUT_THE_LINK = frozenset({"connection", "pause"})
UNDERSTOOD = frozenset(
    {
        "charging_blocked_by",
        "discharging_blocked_by",
        "differs_from_manual",
        "predicted_state_of_charge",
        "time_to_full",
        "time_to_empty",
        "findings",
        "days_without_full_charge",
    }
)
# What has flowed stays true.
COUNTED = frozenset({"collected_total", "consumed_total", "charged_total", "discharged_total"})
_LOGIN = re.compile(rb"PW(.*?)!\r")
_LOGGED = re.compile(r"^\S+ \S+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[\w.]+)\] (?P<text>.*)$")


class Witness(Firmware):
    """A BMS that remembers the PINs it was given."""

    pins_given: tuple[str, ...] = ()

    def receive(self, data: bytes) -> None:
        """Note a log-in and take the bytes."""
        self.pins_given += tuple(pin.decode() for pin in _LOGIN.findall(data))
        super().receive(data)


class Phone:
    """The phone app: it takes the only connection and listens to nothing."""

    was_dropped = False

    def notified(self, handle: int, data: bytes) -> None:
        """Hear something."""

    def dropped(self) -> None:
        """Lose the BMS."""
        self.was_dropped = True

    @contextmanager
    def using(self, bms: Bms) -> Iterator[None]:
        """Hold a BMS for a while."""
        bms.peripheral.connect(self)
        try:
            yield
        finally:
            bms.peripheral.disconnect()


@dataclass
class Bms:
    """A BMS of one test, as its owner sees it in Home Assistant."""

    here: World
    peripheral: BmsPeripheral
    firmware: Witness
    name: str
    entry_id: str = field(default="", init=False)

    @property
    def address(self) -> str:
        """The Bluetooth address."""
        return self.peripheral.address

    @property
    def is_linked(self) -> bool:
        """Whether the proxy holds a link to it."""
        return self.address in self.here.proxy.links

    # Setting up

    async def confirm(self, pin: str = PIN) -> FlowStep:
        """Enter a PIN where it was discovered."""
        return self.remember(await self.here.set_up(self.name, pin))

    def remember(self, step: FlowStep) -> FlowStep:
        """Keep the entry that a flow has made."""
        if "result" in step:
            self.entry_id = step["result"]["entry_id"]
        return step

    async def set_up(self, pin: str = PIN) -> None:
        """Set it up and wait until all that it has is shown."""
        step = await self.confirm(pin)
        assert step["type"] == "create_entry", step
        await self.shows_everything()

    async def configure(self, **options: JsonValueType) -> None:
        """Change options and wait until they hold."""
        before = self.firmware.pins_given
        await configure(self.here.api, self.entry_id, **options)
        await self.happens(lambda: self.firmware.pins_given > before, "a new connection")
        await self.shows_everything()

    async def take_away(self) -> None:
        """Leave nothing of it behind, whatever became of the test."""
        self.here.proxy.peripherals.pop(self.address, None)
        self.here.proxy.out_of_reach.discard(self.address)
        for entry in await self.here.api.entries(DOMAIN):
            if entry["title"] == self.name:
                await self.here.api.delete_entry(entry["entry_id"])
        for flow in await self.flows():
            with suppress(ApiError):
                await self.here.api.abort_flow(flow)

    async def flows(self) -> list[str]:
        """Return the flows that wait for somebody to care for it."""
        return [
            flow["flow_id"]
            for flow in await self.here.api.flows_in_progress()
            if (flow["context"].get("title_placeholders") or {}).get("name") == self.name
        ]

    # What is shown

    async def states(self) -> dict[str, str]:
        """Return what is shown of it, by key."""
        prefix = f"{self.address}_"
        return {
            key.removeprefix(prefix): state["state"]
            for key, state in (await self.here.values()).items()
            if key.startswith(prefix)
        }

    async def values(self) -> dict[str, str]:
        """Return what is shown of the battery, by key."""
        return {key: state for key, state in (await self.states()).items() if key not in ABOUT_THE_LINK}

    async def entity_ids(self) -> dict[str, str]:
        """Return the entity ids by key."""
        prefix = f"{self.address}_"
        return {
            entity["unique_id"].removeprefix(prefix): entity["entity_id"]
            for entity in await self.here.api.entities()
            if entity["unique_id"].startswith(prefix)
        }

    async def switch(self, key: str, *, on: bool) -> None:
        """Turn a switch on or off."""
        entity_id = (await self.entity_ids())[key]
        service = "turn_on" if on else "turn_off"
        await self.here.api.call_service("switch", service, target={"entity_id": entity_id})

    # What comes about

    async def happens(self, condition: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
        """Wait until something is true on this side of the radio."""

        async def is_so() -> bool:
            return condition()

        await self.here.api.wait_for(is_so, timeout, what)

    async def becomes(self, key: str, *wanted: str, timeout: float = 30.0) -> None:
        """Wait until an entity shows one of some states."""

        async def is_so() -> bool:
            return (await self.states()).get(key) in wanted

        await self.here.api.wait_for(is_so, timeout, f"{key} of {self.name} to be {' or '.join(wanted)}")

    async def becomes_unavailable(self, timeout: float) -> None:
        """Wait until nothing measured is shown any more; what was understood or counted stays."""

        async def is_so() -> bool:
            values = await self.values()
            measured = {state for key, state in values.items() if key not in UNDERSTOOD | COUNTED}
            return measured == {"unavailable"}

        await self.here.api.wait_for(is_so, timeout, f"{self.name} to be unavailable")

    async def shows_everything(self, timeout: float = 45.0) -> None:
        """Wait until every entity is there and shows what the battery has."""
        await self.here.everything_known(self.peripheral, timeout)
        await self.here.shows_battery(self.peripheral, timeout)

    async def shows_news(self, timeout: float = 45.0) -> None:
        """Let the chain of cells break and heal, which is shown at once; before and after all is well."""
        await self.shows_everything(timeout)
        self.firmware.chain_broken = True
        await self.becomes("communication_error", "on", timeout=timeout)
        self.firmware.chain_broken = False
        await self.becomes("communication_error", "off", timeout=timeout)
        await self.shows_everything(timeout)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[list[tuple[str, str]]]:
        """Give a list that afterwards holds every change of a state, as key and state."""
        keys = {entity_id: key for key, entity_id in (await self.entity_ids()).items()}
        changes: list[tuple[str, str]] = []
        async with self.here.api.subscribe_events("state_changed") as events:
            yield changes
            for event in [events.get_nowait() for _ in range(events.qsize())]:
                key = keys.get(cast(str, event["data"]["entity_id"]))
                new = cast(dict[str, Any] | None, event["data"]["new_state"])
                if key is not None and new is not None:
                    changes.append((key, new["state"]))


def shows_something(states: dict[str, str]) -> bool:
    """Whether there are states, and none of them lacks a value."""
    shown = {state for key, state in states.items() if key.lower().replace(" ", "_") not in SOMETIMES_UNKNOWN}
    return bool(shown) and not {"unknown", "unavailable"} & shown


type Bring = Callable[..., Bms]


@dataclass(frozen=True)
class LogLine:
    """The first line of a message."""

    level: str
    logger: str
    text: str

    @property
    def is_ours(self) -> bool:
        """Whether the integration logged it, or somebody about the integration."""
        return f"custom_components.{DOMAIN}" in self.logger or DOMAIN in self.text


class Log:
    """What Home Assistant logs from now on."""

    def __init__(self, here: World) -> None:
        """Leave aside what is there already."""
        self._here = here
        self._begin = len(here.home_assistant.log)

    @property
    def lines(self) -> list[LogLine]:
        """Everything that has to do with the integration."""
        new = self._here.home_assistant.log[self._begin :].splitlines()
        lines = [LogLine(**found.groupdict()) for line in new if (found := _LOGGED.match(line))]
        return [line for line in lines if line.is_ours or line.logger == "asyncio"]

    @property
    def complaints(self) -> list[str]:
        """Warnings and errors."""
        return [line.text for line in self.lines if line.level not in ("DEBUG", "INFO")]
