"""What the bench measures a real Home Assistant with: its work, its memory, and the wire's side of every clock.

The processes share a machine, so what is on the wire and what Home Assistant says happened have one clock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from math import ceil
from pathlib import Path
import resource
from time import clock_gettime, monotonic, time
from typing import Final

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.records import decode
from custom_components.smartbms.bms.settings import Block
from custom_components.smartbms.bms.state import CellRecord, StatusBit
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.util import slugify

from .api import EntityEntry
from .hostile_soak import EVENT_LOOP, Cost, Meter
from .world import PIN, World, world

_SLOTS: Final = 24
# What protocol.md 3.3 says that a client has to do: discard what comes at first, and ping.
_WARM_UP: Final = 0.6
_PING: Final = 0.33
# The kernel's number of the clock that counts the work of all threads of a process.
_WORK_OF_A_PROCESS: Final = 2


class StampedFirmware(Firmware):
    """A BMS that notes what is on the wire and when, in s since 1970; each connection begins anew."""

    connected_at: float
    statuses: list[tuple[float, int]]

    def connected(self) -> None:
        """Begin with a new client."""
        super().connected()
        self.connected_at, self.statuses = time(), []

    def debounced(self, *, is_broken: bool) -> float:
        """Return when the second record said that the chain of cells is broken or whole."""
        said = [
            at for at, status in self.statuses if bool(status & StatusBit.COMMUNICATION_ERROR) is is_broken
        ]
        return said[1]

    def _say(self, text: str) -> None:
        super()._say(text)
        record = decode(text, self.generation)
        if isinstance(record, CellRecord):
            self.statuses.append((time(), record.status))


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from the connection to the first values and to all cells."""

    first: float
    all: float


class Pack(BmsPeripheral[StampedFirmware]):
    """A BMS that lives at real pace on the time of the running event loop; `title` is what it is discovered as."""

    def __init__(self, serial_number: int, cells: int) -> None:
        """Switch on."""
        super().__init__(
            StampedFirmware(Battery(cells), DeviceType.GEN3_RAYTAC, asyncio.get_running_loop().time, pin=PIN),
            f"C0:FF:EE:01:{serial_number >> 8:02X}:{serial_number & 255:02X}",
            serial_number,
        )
        self.title = f"123\\SmartBMS {serial_number:05}"

    def sensor(self, key: str) -> str:
        """Return the id that Home Assistant gives to a sensor, which may not be there yet."""
        return f"sensor.{slugify(self.title)}_{key}"

    def owns(self, unique_id: str) -> bool:
        """Whether an entity is its own."""
        return unique_id.startswith(f"{self.address}_")


def own_pace(cells: int) -> Pace:
    """Return the pace of the BMS itself, over a wire that takes no time.

    That is what a client needs that does nothing but ping every 0.33 s, discard what comes in the first 0.6 s
    (protocol.md 3.3 says both), log in, ask for the version and each block of settings once, start the
    stream, and listen. A BMS lets go of what it has to say with the next ping; the first values are its first
    record, and it says one cell a second.
    """
    clock = [0.0]
    firmware = Firmware(Battery(cells), DeviceType.GEN3_RAYTAC, lambda: clock[0], pin=PIN)
    blocks = (f"{block}@" for block in Block if Generation.GEN3 in block.generations)
    firmware.connected()
    clock[0] = _WARM_UP
    for command in (f"PW{PIN}!", "V@", *blocks, "E!"):
        firmware.receive(command.encode("ascii") + b"\r")
        firmware.take()
    first, heard = 0.0, set[int]()
    for ping in count(ceil(_WARM_UP / _PING)):
        clock[0] = ping * _PING
        firmware.receive(b"$")
        for line in firmware.take().decode("ascii").split("\r"):
            if isinstance(record := decode(line, Generation.GEN3), CellRecord):
                first = first or clock[0]
                heard.add(record.number)
        if len(heard) == cells:
            break
    return Pace(first, clock[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The CPU time that Home Assistant took in some windows, and in the busiest second of each; % of a core."""

    windows: tuple[float, ...]
    busiest: tuple[float, ...]


class BenchHouse:
    """A Home Assistant that is measured; how much it works, what it holds, how late it is."""

    def __init__(self, here: World) -> None:
        """Measure nothing yet."""
        self.here = here
        self.meter = Meter(here)

    @property
    def resident(self) -> float:
        """The memory of Home Assistant, in MB."""
        pages = Path(f"/proc/{self._pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * resource.getpagesize() / 1e6

    async def settled_memory(self) -> float:
        """Return the memory of Home Assistant in MB once it has collected its garbage."""
        await self.here.api.call_service("event_loop", "collect")
        return self.resident

    async def work(self, windows: int, seconds: int) -> Work:
        """Measure for some windows of some seconds how much Home Assistant works."""
        # Measuring the loop is work as well.
        await self.here.api.call_service("event_loop", "rest")
        measured = [await self._window(seconds) for _ in range(windows)]
        return Work(
            windows=tuple(_share(marks[0], marks[-1]) for marks in measured),
            busiest=tuple(max(_share(*pair) for pair in pairwise(marks)) for marks in measured),
        )

    async def _window(self, seconds: int) -> list[tuple[float, float]]:
        marks = [(monotonic(), self._worked)]
        for _ in range(seconds):
            await asyncio.sleep(1)
            marks.append((monotonic(), self._worked))
        return marks

    async def lag(self, seconds: float) -> Cost:
        """Measure for some seconds how late Home Assistant's event loop is."""
        await self.meter.begin()
        await asyncio.sleep(seconds)
        return await self.meter.cost()

    async def discovered(self, pack: Pack) -> str:
        """Bring a pack into reach and wait until it is discovered; return the flow's id."""
        self.here.proxy.peripherals[pack.address] = pack
        return await self.here.discovered(pack.title)

    async def set_up(self, pack: Pack) -> None:
        """Bring a pack into reach and set it up."""
        await self.here.api.flow_step(await self.discovered(pack), {"pin": PIN})

    async def reload(self, pack: Pack) -> None:
        """Unload a pack and set it up again."""
        entry_id = (await self.entity(pack, "connection"))["config_entry_id"]
        assert entry_id is not None
        await self.here.api.reload_entry(entry_id)

    async def entity(self, pack: Pack, key: str) -> EntityEntry:
        """Return an entity of a pack by its key."""
        wanted = f"{pack.address}_{key}"
        (entity,) = [each for each in await self.here.api.entities() if each["unique_id"] == wanted]
        return entity

    @property
    def _pid(self) -> int:
        pid = self.here.home_assistant.pid
        assert pid is not None
        return pid

    @property
    def _worked(self) -> float:
        return clock_gettime((~self._pid << 3) | _WORK_OF_A_PROCESS)


def _share(begin: tuple[float, float], end: tuple[float, float]) -> float:
    return 100 * (end[1] - begin[1]) / (end[0] - begin[0])


@asynccontextmanager
async def bench_house() -> AsyncIterator[BenchHouse]:
    """Start a Home Assistant with a Bluetooth proxy, and no BMS in its reach yet."""
    async with world([], slots=_SLOTS, companions=[EVENT_LOOP]) as here:
        yield BenchHouse(here)


def packs(first: int, count: int, cells: int = 16) -> list[Pack]:
    """Return some packs, the first with a serial number."""
    return [Pack(number, cells) for number in range(first, first + count)]
