"""A real Home Assistant, two proxies and several BMS, and a thousand faults; what must hold afterwards.

Faults of different BMS last at the same time. A BMS is given a new fault once it has got over the last one,
or at times just while it is coming back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
import sys
from time import monotonic
from typing import Any, Final, cast

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.model.ledger import Flow

from .api import Api
from .fault_acts import ACTS, ACTS_BETWEEN, LOOK_EVERY, House, follow, stop_following
from .fault_checks import (
    COARSE_STEP,
    LEFT,
    STEP,
    Energy,
    by_fault,
    complaints,
    connected_again,
    energies,
    files,
    leftovers,
    line,
    log_lines,
    table,
    tracebacks,
    true_values,
)
from .fault_kinds import KINDS, Lane, Planned, schedule
from .fault_watch import Device, Seen, Watch
from .faulty_bms import FaultyBms, faulty_bms
from .home_assistant import HomeAssistant
from .measuring import Line
from .proxy import VirtualProxy
from .world import World, add_proxy, configure

# A whole run, and one for continuous integration.
COUNT: Final = 1000
SHORT: Final = 40
LEFTOVERS: Final = Path(__file__).parent / "components" / "leftovers"
_LOG_LEVELS: Final = {"custom_components.smartbms": "info"}
_SLOTS: Final = 9
_ADVERTISE_EVERY: Final = 0.2
# As a proxy for which nobody has time; a connect that finds nobody fails after as long, in s.
_CONNECT_TIMEOUT: Final = 5.0
_PACE: Final = 2.0
_SAY_EVERY: Final = 20
_FIRST_NUMBER: Final = 5001
_LOAD_TIMEOUT: Final = 90.0
# Until all that was heard is counted, in s.
_SETTLING: Final = 10.0
_SETTLED_TIMEOUT: Final = 90.0
_OF_BOTH: Final = ("collected_total", "consumed_total")
_T = DeviceType
# Type, cells, the hour at which its life begins, and whether it has both current sensors.
_BMS: Final = (
    (_T.GEN3_RAYTAC, 16, 9.5, True),
    (_T.GEN2, 4, 23.6, True),
    (_T.GEN3_BLUERADIOS, 8, 12.0, True),
    (_T.GEN2, 16, 16.0, True),
    (_T.GEN3_RAYTAC, 24, 23.8, True),
    (_T.GEN3_RAYTAC, 4, 7.0, False),
    (_T.GEN3_BLUERADIOS, 2, 14.0, True),
    (_T.GEN2, 8, 10.0, True),
)


def say(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)


@asynccontextmanager
async def house(progress: Callable[[str], None]) -> AsyncIterator[House]:
    """Start it all, with nothing set up yet; leave nothing behind."""
    async with AsyncExitStack() as stack:
        peripherals = [
            faulty_bms(_FIRST_NUMBER + index, kind, cells, hour=hour, has_both=has_both)
            for index, (kind, cells, hour, has_both) in enumerate(_BMS)
        ]
        devices = [
            Device(bms, f"123\\SmartBMS {_FIRST_NUMBER + index:05}") for index, bms in enumerate(peripherals)
        ]
        proxies = [_proxy(index, peripherals) for index in range(2)]
        for proxy in proxies:
            stack.push_async_callback(proxy.stop)
        ports = [await proxy.start() for proxy in proxies]
        home_assistant = await stack.enter_async_context(
            HomeAssistant(progress=progress, log_levels=_LOG_LEVELS, companions=[LEFTOVERS])
        )
        for port in ports:
            await add_proxy(home_assistant.api, port)
        entries = {entry["title"]: entry["entry_id"] for entry in await home_assistant.api.entries("esphome")}
        here = House(
            home_assistant,
            proxies,
            ports,
            devices,
            Watch(devices),
            [entries[proxy.name] for proxy in proxies],
        )
        for device in devices:
            device.bms.firmware.pace = _PACE
            device.bms.on_told = partial(here.hear, device)
        yield here


def _proxy(index: int, peripherals: Iterable[FaultyBms]) -> VirtualProxy:
    return VirtualProxy(
        f"proxy-{index + 1}",
        f"A0:B7:65:00:01:{16 * index:02X}",
        peripherals,
        slots=_SLOTS,
        advertise_every=_ADVERTISE_EVERY,
        connect_timeout=_CONNECT_TIMEOUT,
    )


async def set_up(here: House) -> None:
    """Set every BMS up as its owner does, and wait until all of it is shown."""
    world = World(here.home_assistant, here.proxies[0])
    for device in here.devices:
        step = await world.set_up(device.name)
        device.entry_id = step["result"]["entry_id"]
        await configure(here.home_assistant.api, device.entry_id, publish_interval=1)
    async with asyncio.timeout(_LOAD_TIMEOUT):
        for device in here.devices:
            # With one current sensor nobody counts what comes in and what goes out.
            never = set() if device.has_both else {f"{device.bms.address}_{key}" for key in _OF_BOTH}
            while set(await world.missing(device.bms)) - never:
                await asyncio.sleep(LOOK_EVERY)


class Run:
    """One run through a schedule."""

    def __init__(self, here: House, planned: Sequence[Planned], progress: Callable[[str], None]) -> None:
        """Have done nothing yet."""
        self._here = here
        self._planned = planned
        self._progress = progress
        self._began = monotonic()

    async def live(self) -> None:
        """Let all faults happen, and wait until every BMS has got over the last of them."""
        here = self._here
        looking = asyncio.create_task(here.look())
        try:
            async with asyncio.TaskGroup() as group:
                for index, device in enumerate(here.devices):
                    planned = [each for each in self._planned if each.bms == index]
                    group.create_task(self._of_bms(device, planned))
                for lane in (Lane.PROXIES, Lane.HOME_ASSISTANT):
                    group.create_task(self._between(lane))
            for device in here.devices:
                await here.comes_back(device, asyncio.get_running_loop().time())
        finally:
            looking.cancel()

    async def _of_bms(self, device: Device, planned: Iterable[Planned]) -> None:
        here, loop = self._here, asyncio.get_running_loop()
        for each in planned:
            await asyncio.sleep(each.pause)
            device.last_fault = each.kind
            here.disturb([device])
            await ACTS[each.kind](here, device, each)
            here.disturb([device])
            if not each.is_early:
                await here.comes_back(device, loop.time())
            self._done()

    async def _between(self, lane: Lane) -> None:
        here = self._here
        for index, each in enumerate(self._planned):
            if KINDS[each.kind].lane is not lane:
                continue
            while here.done < index * (1 - 1 / len(self._planned)) - len(here.devices):
                await asyncio.sleep(LOOK_EVERY)
            await asyncio.sleep(each.pause)
            for device in here.devices:
                if here.linked(device):
                    device.last_fault = each.kind
            here.disturb(here.devices)
            await ACTS_BETWEEN[each.kind](here, each)
            here.disturb(here.devices)
            self._done()

    def _done(self) -> None:
        here = self._here
        here.done += 1
        if here.done % _SAY_EVERY == 0 or here.done == len(self._planned):
            seen = here.watch.seen
            connected = sum(device.connection == "connected" for device in here.devices)
            self._progress(
                f"{here.done} faults in {monotonic() - self._began:.0f} s; {connected} of {len(here.devices)}"
                f" connected, {seen.compared} states compared, {len(seen.untrue)} untrue, {len(seen.flaps)} flaps,"
                f" {len(seen.falls)} falls"
            )


async def left(api: Api) -> Mapping[str, Any]:
    """Return what there is of ours in Home Assistant."""
    answer = await api.command(
        "call_service", domain="leftovers", service="read", service_data={}, return_response=True
    )
    return cast(dict[str, Mapping[str, Any]], answer)["response"]


def true_energies(device: Device) -> dict[str, float]:
    """Return what has flowed of the energies whose truth a BMS can tell, in kWh."""
    firmware, total = device.bms.firmware, device.bms.firmware.total
    truth = {
        Flow.COLLECTED: total.collected,
        Flow.CONSUMED: total.consumed,
        Flow.CHARGED: total.charged,
        Flow.DISCHARGED: total.discharged,
    }
    if firmware.generation is Generation.GEN2:
        # What it does not count is integrated, and in absence follows from the rest.
        del truth[Flow.CHARGED], truth[Flow.DISCHARGED]
    elif not device.has_both:
        del truth[Flow.COLLECTED], truth[Flow.CONSUMED]
    return {f"{flow}_total": energy / 1000 for flow, energy in truth.items()}


def _compared(
    device: Device, before: Mapping[str, float], true_before: Mapping[str, float]
) -> Iterator[Energy]:
    for key, true in true_energies(device).items():
        shown = device.totals[key] - before[key]
        step = COARSE_STEP if device.missed_midnight else STEP
        yield Energy(f"{device.name} {key}", shown, true - true_before[key], step)


async def _hold_still(here: House) -> None:
    """Stop all batteries and have all that was counted shown."""
    for device in here.devices:
        device.bms.firmware.advance()
        device.bms.firmware.speed = 0.0
    await asyncio.sleep(_SETTLING)
    for device in here.devices:
        # What has been counted is written down, and so shown, when the link ends.
        device.bms.drop()
    since = asyncio.get_running_loop().time()
    for device in here.devices:
        await here.comes_back(device, since)
    await asyncio.sleep(_SETTLING)


async def _unload(here: House) -> Mapping[str, Any]:
    """Disable every entry, and return what is left of them after a while."""
    for device in here.devices:
        await here.home_assistant.api.command(
            "config_entries/disable", entry_id=device.entry_id, disabled_by="user"
        )
    until = monotonic() + _SETTLED_TIMEOUT
    while True:
        await asyncio.sleep(_SETTLING)
        found = await left(here.home_assistant.api)
        is_left = any(proxy.links for proxy in here.proxies) or any(found[what] for what in LEFT)
        if not is_left or monotonic() > until:
            return found


def details(seen: Seen, found: Iterable[Energy], log: str) -> Iterator[str]:
    """Yield what the numbers stand for."""
    for each in found:
        yield f"{each.name:45} {each.true:9.3f} kWh, shown {each.shown:9.3f} kWh, error {each.error:.2f}"
    yield from by_fault(seen.recoveries)
    for texts in (seen.never, seen.flaps, seen.untrue, seen.damaged, seen.falls):
        yield from texts
    yield from complaints(log)
    yield from tracebacks(log)


async def _live(planned: Sequence[Planned], progress: Callable[[str], None]) -> list[Line]:
    async with house(progress) as here:
        api = here.home_assistant.api
        files_before: Mapping[str, int] = (await left(api))["files"]
        progress("setting up the BMS")
        await set_up(here)
        await follow(here)
        before = {device.name: dict(device.totals) for device in here.devices}
        true_before = {device.name: true_energies(device) for device in here.devices}
        for device in here.devices:
            device.bms.firmware.speed = 1.0
        await Run(here, planned, progress).live()
        await _hold_still(here)
        found = [
            energy
            for device in here.devices
            for energy in _compared(device, before[device.name], true_before[device.name])
        ]
        here.watch.stopping = True
        after = await _unload(here)
        await here.home_assistant.terminate()
        await stop_following(here)
        seen = here.watch.seen
        lines = [
            *connected_again(seen.recoveries, seen.never),
            line("entities that flapped within the grace time", len(seen.flaps)),
            *true_values(seen.untrue, seen.damaged, sum(device.bms.damaged for device in here.devices)),
            line("energy totals that fell", len(seen.falls)),
            energies(found),
            *leftovers(after, sum(len(proxy.links) for proxy in here.proxies)),
            files(files_before, after["files"]),
            *log_lines(here.home_assistant.log, {device.name: device.silences for device in here.devices}),
        ]
        for text in details(seen, found, here.home_assistant.log):
            progress(f"  {text}")
    return lines


async def live_all(seed: int = 1, count: int = COUNT) -> int:
    """Let so many faults happen, show what became of it, and return the exit code.

    With `SHORT` faults each kind occurs once at least.
    """
    began = monotonic()
    lines = await _live(schedule(seed, count, len(_BMS)), say)
    print("\n".join(table(lines)))
    print(f"{count} faults of seed {seed} in {monotonic() - began:.0f} s")
    return 0 if all(each.passes for each in lines) else 1
