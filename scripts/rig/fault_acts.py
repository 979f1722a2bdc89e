"""What is done to let each fault happen, and to take its cause away again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Final

from .api import ApiError
from .esphome_link import ENDED_BY_DEVICE
from .fault_kinds import Kind, Planned
from .fault_watch import Device, Watch
from .faulty_bms import Damage
from .home_assistant import HomeAssistant
from .proxy import VirtualProxy

# How often the soak looks at what there is, in s.
LOOK_EVERY: Final = 0.1
# A BMS that is not connected again after as many s never will be.
PATIENCE: Final = 120.0
# What an owner waits until he gives the PIN once more, and how often he does.
_RETRY_EVERY: Final = 2.0
_RETRIES: Final = 30
_REAUTH_TIMEOUT: Final = 120.0
# After a reload entities begin anew; and so long cells may take to be told, in s.
_SETTLING: Final = 30.0
# Until what was heard after an absence is counted, in s.
_COUNTED: Final = 6.0
_MOST_CELLS: Final = 30
# Home Assistant writes a new PIN down a second later; one that is lost with it has to be given again.
_WRITTEN: Final = 2.0


@dataclass(slots=True)
class House:
    """A Home Assistant, two proxies and several BMS.

    `lock` is held by whoever needs Home Assistant to stay; `done` are the faults that have been.
    """

    home_assistant: HomeAssistant
    proxies: Sequence[VirtualProxy]
    ports: Sequence[int]
    devices: Sequence[Device]
    watch: Watch
    proxy_entries: Sequence[str] = ()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    done: int = 0
    following: asyncio.Task[None] | None = None

    def linked(self, device: Device) -> VirtualProxy | None:
        """Return the proxy through which a BMS is linked."""
        return next((each for each in self.proxies if device.bms.address in each.links), None)

    def is_reachable(self, device: Device) -> bool:
        """Whether Home Assistant could be connected to a BMS now.

        It cannot through a proxy that hangs, as long as it takes that for a proxy: it has not noticed.
        """
        bms = device.bms
        if (
            not bms.is_on
            or bms.phone
            or bms.withholds
            or bms.refuses
            or bms.damage
            or not device.is_pin_known
        ):
            return False
        if any(proxy.hung and _serves(proxy) for proxy in self.proxies):
            return False
        return any(
            _serves(proxy)
            and bms.address not in proxy.out_of_reach
            and (proxy.slots_free or bms.address in proxy.links)
            for proxy in self.proxies
        )

    def is_back(self, device: Device, since: float) -> bool:
        """Whether Home Assistant shows a BMS as connected, and has heard it since."""
        proxy = self.linked(device)
        is_linked = proxy is not None and not proxy.hung and device.bms.firmware.streaming
        return is_linked and device.told > since and device.connection == "connected"

    async def comes_back(self, device: Device, since: float) -> None:
        """Wait until a BMS is connected again, and note when it is not."""
        until = monotonic() + PATIENCE
        while not self.is_back(device, since):
            await asyncio.sleep(LOOK_EVERY)
            if monotonic() > until:
                self.watch.seen.never.append(f"{device.name} after {device.last_fault}")
                return

    def disturb(self, devices: Iterable[Device]) -> None:
        """Count what some BMS need to be connected again from now."""
        for device in devices:
            device.cause_gone_at = asyncio.get_running_loop().time()

    async def look(self) -> None:
        """Follow what can be reached, and let those live that are away, for ever."""
        while True:
            for device in self.devices:
                is_reachable = self.is_reachable(device)
                if is_reachable and not device.is_reachable:
                    self.disturb([device])
                device.is_reachable = is_reachable
                if not device.bms.connected:
                    device.bms.firmware.advance()
                device.look_for_midnight(is_missed=not device.bms.connected)
            await asyncio.sleep(LOOK_EVERY)

    def hear(self, device: Device) -> None:
        """Note that a BMS has said how things are, unless that goes nowhere; answers say nothing of that."""
        proxy = self.linked(device)
        if proxy is not None and not proxy.hung and device.bms.firmware.streaming:
            device.hear(asyncio.get_running_loop().time())


def _serves(proxy: VirtualProxy) -> bool:
    return any(session.scanning for session in proxy.sessions)


# Faults of one BMS


async def _drop(house: House, device: Device, planned: Planned) -> None:
    if planned.detail == ENDED_BY_DEVICE:
        device.bms.drop()
    for proxy in house.proxies:
        proxy.drop_link(device.bms.address, planned.detail)


async def _fail_writes(house: House, device: Device, planned: Planned) -> None:
    device.bms.refuses = True
    await asyncio.sleep(planned.seconds)
    device.bms.refuses = False


async def _go_away(house: House, device: Device, planned: Planned) -> None:
    for proxy in house.proxies:
        proxy.out_of_reach.add(device.bms.address)
    await asyncio.sleep(planned.seconds)
    for proxy in house.proxies:
        proxy.out_of_reach.discard(device.bms.address)


async def _live_away(house: House, device: Device, planned: Planned) -> None:
    """Be away while the battery lives through hours.

    For Home Assistant it was not a minute: the clock of the BMS alone tells of the hours, and nobody sets it
    before it has been read.
    """
    firmware = device.bms.firmware
    before, firmware.speed = firmware.speed, planned.detail * 3600 / planned.seconds
    await _go_away(house, device, planned)
    firmware.advance()
    firmware.speed = before
    silences = -1
    while len(device.silences) != silences:
        await house.comes_back(device, asyncio.get_running_loop().time())
        silences = len(device.silences)
        await asyncio.sleep(_COUNTED)


async def _leave_one(house: House, device: Device, planned: Planned) -> None:
    proxy = house.proxies[planned.detail]
    proxy.out_of_reach.add(device.bms.address)
    await asyncio.sleep(planned.seconds)
    proxy.out_of_reach.discard(device.bms.address)


async def _phone(house: House, device: Device, planned: Planned) -> None:
    device.bms.take_phone()
    await asyncio.sleep(planned.seconds)
    device.bms.leave_phone()


async def _power_cycle(house: House, device: Device, planned: Planned) -> None:
    device.bms.firmware.power_off(planned.seconds)
    await asyncio.sleep(planned.seconds)


async def _change_pin(house: House, device: Device, planned: Planned) -> None:
    """Change the PIN with the app, and give the new one when Home Assistant asks for it."""
    async with house.lock, _excused(device):
        pin = f"{(int(device.bms.firmware.pin) + 1111) % 10000:04}"
        device.bms.firmware.pin, device.is_pin_known = pin, False
        device.bms.drop()
        api = house.home_assistant.api
        step = await api.reauth_flow(device.entry_id, _REAUTH_TIMEOUT)
        device.is_pin_known = True
        house.disturb([device])
        for _ in range(_RETRIES):
            step = await api.flow_step(step["flow_id"], {"pin": pin})
            if step["type"] == "abort":
                return
            # Something else went wrong meanwhile.
            await asyncio.sleep(_RETRY_EVERY)
    raise ApiError(f"{device.name} does not take its new PIN: {step}")


async def _change_cells(house: House, device: Device, planned: Planned) -> None:
    async with _excused(device):
        await _power_cycle(house, device, planned)
        cells = len(device.bms.firmware.battery.cells) + planned.detail
        device.bms.change_cells(min(max(cells, 2), _MOST_CELLS))
        house.disturb([device])
        await house.comes_back(device, asyncio.get_running_loop().time())


async def _set_clock(house: House, device: Device, planned: Planned) -> None:
    device.bms.firmware.clock_offset += planned.detail * 60


async def _withhold(house: House, device: Device, planned: Planned) -> None:
    device.bms.withhold(True)
    await asyncio.sleep(planned.seconds)
    device.bms.withhold(False)


def _damage(damage: Damage) -> Act:
    async def happen(house: House, device: Device, planned: Planned) -> None:
        device.bms.damage, device.bms.one_in = damage, planned.detail
        await asyncio.sleep(planned.seconds)
        device.bms.damage = None

    return happen


@asynccontextmanager
async def _excused(device: Device) -> AsyncIterator[None]:
    """Let entities come and go, as their owner wants it."""
    device.excused_until = inf
    yield
    device.excused_until = asyncio.get_running_loop().time() + _SETTLING


type Act = Callable[[House, Device, Planned], Awaitable[None]]
ACTS: Final[Mapping[Kind, Act]] = {
    Kind.LINK_DROPPED: _drop,
    Kind.WRITES_FAIL: _fail_writes,
    Kind.OUT_OF_REACH: _go_away,
    Kind.AWAY: _live_away,
    Kind.OUT_OF_REACH_OF_ONE: _leave_one,
    Kind.PHONE: _phone,
    Kind.POWER_CYCLED: _power_cycle,
    Kind.PIN_CHANGED: _change_pin,
    Kind.CELLS_CHANGED: _change_cells,
    Kind.CLOCK_JUMPED: _set_clock,
    Kind.LOST: _damage(Damage.LOST),
    Kind.DOUBLED: _damage(Damage.DOUBLED),
    Kind.REORDERED: _damage(Damage.REORDERED),
    Kind.CUT: _damage(Damage.CUT),
    Kind.WITHHELD: _withhold,
}


# Faults of what is between


async def _cut_client(house: House, planned: Planned) -> None:
    house.proxies[planned.detail].kill_client()


async def _kill_proxy(house: House, planned: Planned) -> None:
    proxy, port = house.proxies[planned.detail], house.ports[planned.detail]
    await proxy.stop()
    await asyncio.sleep(planned.seconds)
    await proxy.start(port)


async def _hang_proxy(house: House, planned: Planned) -> None:
    proxy = house.proxies[planned.detail]
    proxy.hang()
    await asyncio.sleep(planned.seconds)
    proxy.resume()


async def _take_slots(house: House, planned: Planned) -> None:
    """Have somebody else take all that is free, while two BMS lose their links."""
    for proxy in house.proxies:
        proxy.take_slots(proxy.slots)
    for device in house.devices[:2]:
        device.bms.drop()
    await asyncio.sleep(planned.seconds)
    for proxy in house.proxies:
        proxy.take_slots(0)


async def _remove_adapter(house: House, planned: Planned) -> None:
    """Have the owner disable one proxy or both for a while."""
    entries = [each for index, each in enumerate(house.proxy_entries) if planned.detail in (index, 2)]
    async with house.lock:
        api = house.home_assistant.api
        for entry in entries:
            await api.command("config_entries/disable", entry_id=entry, disabled_by="user")
        await asyncio.sleep(planned.seconds)
        for entry in entries:
            await api.command("config_entries/disable", entry_id=entry, disabled_by=None)


async def _restart(house: House, planned: Planned) -> None:
    await _start_anew(house, house.home_assistant.terminate)


async def _kill(house: House, planned: Planned) -> None:
    async def end() -> None:
        await asyncio.sleep(_WRITTEN)
        await house.home_assistant.kill()

    await _start_anew(house, end)


async def _start_anew(house: House, end: Callable[[], Awaitable[None]]) -> None:
    async with house.lock:
        house.watch.stopping = True
        for device in house.devices:
            device.excused_until = inf
        await end()
        await stop_following(house)
        for device in house.devices:
            device.is_new = True
            house.watch.connection(device, "unavailable", asyncio.get_running_loop().time())
        await house.home_assistant.start()
        await follow(house)


async def follow(house: House) -> None:
    """Begin to follow what Home Assistant shows."""
    ready = asyncio.Event()
    house.following = asyncio.create_task(house.watch.follow(house.home_assistant.api, ready.set))
    await ready.wait()
    house.watch.stopping = False
    for device in house.devices:
        device.excused_until = asyncio.get_running_loop().time() + _SETTLING


async def stop_following(house: House) -> None:
    """Wait until everything has been seen of a Home Assistant that has ended."""
    if house.following is not None:
        with suppress(ApiError):
            await house.following


type ActBetween = Callable[[House, Planned], Awaitable[None]]
ACTS_BETWEEN: Final[Mapping[Kind, ActBetween]] = {
    Kind.CLIENT_CUT: _cut_client,
    Kind.PROXY_KILLED: _kill_proxy,
    Kind.PROXY_RESTARTED: _kill_proxy,
    Kind.PROXY_HUNG: _hang_proxy,
    Kind.SLOTS_TAKEN: _take_slots,
    Kind.ADAPTER_GONE: _remove_adapter,
    Kind.HOME_ASSISTANT_RESTARTED: _restart,
    Kind.HOME_ASSISTANT_KILLED: _kill,
}
