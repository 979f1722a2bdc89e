r"""The way in measured: the bytes of whole cycles through our receive path, and through that of a peer.

The peer is aiobmsble's class of the 123\SmartBMS. Both are connected to a simulated BMS as they would be to a
real one, and then are given the same notifications through the callback that each subscribed with. A cycle of a
pack of N cells is N seconds of stream: the eight records of each second, and every cell once.

- Ours goes from the callback of the client down to `Fold.lines`, and to what `Session` notes of it: every field
  of every record checked and decoded as it comes.
- The peer's is its notification handler, which cuts lines and keeps the last of each kind, and its `async_update`,
  which decodes of the lines kept four fields (voltage, current, state of charge and of health), and up to four of
  each cell.

Both hand over what they know every 30 s, which is how often Home Assistant's users of the peer ask it: we a
snapshot, the peer the result of `async_update`. So the peer decodes one line of each kind in thirty, and we all.

The peer reads the number of a cell as decimal digits. Of 16 cells, `10` on the wire, it knows ten, the last of
which is the sixteenth; of 255, `FF`, it decodes none.

Two batteries speak: one to which nothing happens, so that lines repeat, and one of which no line was ever said
before, which is worse than any that is charged.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count, islice, product
from math import lcm
from time import monotonic
from typing import Final, Protocol, Self, cast
from unittest.mock import patch

from bleak.backends.device import BLEDevice

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    CellRecord,
    Connection,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Record,
    Snapshot,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)
from custom_components.smartbms.link.session import Session
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.in_process import InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral

from .measuring import Line, summary, timed

PACKS: Final = (16, 255)
# What a notification carries at the smallest MTU, and at the largest that the radio modules agree to.
SIZES: Final = (20, 244)
PAIRS: Final = 15
# How often what was heard is asked for, in s.
_INTERVAL: Final = 30
_ADDRESS: Final = "EC:FE:7E:00:0D:02"

type Second = list[bytearray]
type Heard = Mapping[str, object]


def quiet(cells: int, second: int) -> Iterator[Record]:
    """Yield what a pack says that nothing happens to: each second the same, and the next cell."""
    yield PackRecord(3.3 * cells, 0.0, -0.5, 0.5)
    yield VoltageRecord(3.295, 1, 3.305, 2, 3.4)
    yield TemperatureRecord(292, 1, 294, 2, 7)
    yield CellRecord(second % cells + 1, cells, 3.3, 293, 0x03, 0x30)
    yield EnergyRecord(1234, 8000, 567, 62)
    yield TotalsRecord(321, 298, 12, 0)
    yield HealthRecord(97, 2280, 2300, 99, 15.13, 15.02)
    yield BatteryEnergyRecord(321, 298, 1234, 567)


def charging(cells: int, second: int) -> Iterator[Record]:
    """Yield what a pack says that is charged faster than any is: no line that was ever said before."""
    # The numbers are primes, so that what comes round does so at different times.
    yield PackRecord(3.3 * cells + second % 97 / 200, 60.0, 40 + second % 89 / 20, 15 + second % 83 / 20)
    yield VoltageRecord(3.0 + second % 97 / 200, 1, 3.5 + second % 89 / 200, 2, 3.0 + second % 83 / 200)
    yield TemperatureRecord(250 + second % 17, 1, 280 + second % 19, 2, second % 251)
    yield CellRecord(second % cells + 1, cells, 3.0 + second % 97 / 200, 250 + second % 89, 0x03, 0x30)
    yield EnergyRecord(second, 8000 + second, 567, 62)
    yield TotalsRecord(second, 298, 12, second // 60 % 60)
    yield HealthRecord(97, 2280, 2300, 99, second / 100, 15.02)
    yield BatteryEnergyRecord(second, 298, second, 567)


def sunny(cells: int) -> Iterator[Iterable[Record]]:
    """Yield what the simulated BMS says from half past nine in the morning on, the sun on its panels."""
    clock = [0.0]
    firmware = Firmware(Battery(cells), DeviceType.GEN3_RAYTAC, lambda: clock[0], requires_pin=False)
    while True:
        clock[0] += 1.0
        firmware.advance()
        yield tuple(firmware.cycle())


def _each_second(said: Callable[[int, int], Iterable[Record]], cells: int) -> Iterator[Iterable[Record]]:
    return (said(cells, second) for second in count())


# The aim is the peer's time while a battery lives as well. Every field of every second decoded costs more than to
# keep the lines and read some of them twice a minute: this is how much more it may be. No battery is like the last,
# which tells what decoding costs when no line can be remembered.
_LIMITS: Final[Mapping[str, float | None]] = {"quiet": 1.0, "sunny day": 1.75, "all new": None}
BATTERIES: Final[Mapping[str, Callable[[int], Iterator[Iterable[Record]]]]] = {
    "quiet": partial(_each_second, quiet),
    "sunny day": sunny,
    "all new": partial(_each_second, charging),
}


def seconds(battery: str, cells: int, size: int) -> Iterator[Second]:
    """Yield the notifications of one second of stream after another; a BMS lets go of a second at once."""
    for records in BATTERIES[battery](cells):
        said = "".join(encode(record, Generation.GEN3) + "\r" for record in records).encode()
        yield [bytearray(said[at : at + size]) for at in range(0, len(said), size)]


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward: nobody believes a BMS that says so much in no time."""

    ahead = 0.0

    def time(self) -> float:
        """Return the time, as every loop does."""
        return monotonic() + self.ahead


class Link(InProcessClient):
    """A connection to a simulated BMS, in the words of either side; then `notify` speaks in the BMS's place."""

    def __init__(self, cells: int) -> None:
        """Be in reach of a BMS that needs no PIN."""
        loop = asyncio.get_running_loop()
        firmware = Firmware(Battery(cells), DeviceType.GEN3_RAYTAC, loop.time, requires_pin=False)
        super().__init__(BmsPeripheral(firmware, _ADDRESS, 3330), lambda: None)
        self.notify: Callable[[object, bytearray], None] = lambda _, data: None

    @property
    def is_connected(self) -> bool:
        """Whether the connection is there."""
        return self._connected

    async def start_notify(self, char: int | str, callback: Callable[[object, bytearray], None], /) -> None:
        """Subscribe to a characteristic."""
        self.notify = callback
        await super().start_notify(self._handle(char), callback)

    async def write_gatt_char(self, char: int | str, data: bytes, /, response: bool | None = None) -> None:
        """Write a characteristic."""
        await super().write_gatt_char(self._handle(char), data, response)

    def _handle(self, char: int | str) -> int:
        if isinstance(char, int):
            return char
        found = self.services.get_characteristic(char)
        assert found is not None
        return found.handle


class Side(Protocol):
    """One of the two that are compared."""

    @property
    def link(self) -> Link:
        """Its connection."""

    def value(self) -> object:
        """Hand over what was heard."""


class Ours:
    """The session of one BMS, with nobody behind it."""

    def __init__(self, cells: int) -> None:
        """Prepare; entering connects."""
        self.link = Link(cells)
        self._reached = asyncio.Event()
        self._session = Session(
            self._connect,
            pin=None,
            generation=Generation.GEN3,
            spawn=lambda work, name: asyncio.get_running_loop().create_task(work, name=name),
            on_records=lambda: None,
            on_state=self._on_state,
        )

    async def __aenter__(self) -> Self:
        """Go through everything that comes before the stream."""
        self._session.start()
        await self._reached.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the connection."""
        await self._session.stop()

    def value(self) -> Snapshot:
        """Hand over what was heard."""
        return self._session.fold.snapshot()

    @property
    def accepted(self) -> int:
        """How many lines were records."""
        return self._session.fold.accepted

    async def _connect(self, _: Callable[[], None]) -> Link:
        return await self.link.connect()

    def _on_state(self) -> None:
        if self._session.state is Connection.CONNECTED:
            self._reached.set()


class _Aiobmsble(Protocol):
    """What is used of the peer, which has no types."""

    async def __aenter__(self) -> object: ...
    async def async_update(self) -> Heard: ...
    async def disconnect(self) -> None: ...


class Theirs:
    """The peer as it is used, with our connection in the place of a radio."""

    def __init__(self, cells: int) -> None:
        """Prepare; entering connects."""
        self.link = Link(cells)
        kind = cast(Callable[[BLEDevice], _Aiobmsble], import_module("aiobmsble.bms.x123smart_bms").BMS)
        with patch("aiobmsble.basebms.BleakClient", lambda *_, **__: self.link):
            self._bms = kind(BLEDevice(_ADDRESS, "123\\SmartBMS", None))

    async def __aenter__(self) -> Self:
        """Go through everything that comes before the stream."""
        with patch("aiobmsble.basebms.establish_connection", lambda **_: self.link.connect()):
            await self._bms.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the connection."""
        await self._bms.disconnect()

    def value(self) -> Heard:
        """Hand over what was heard; what is kept begins anew."""
        return _at_once(self._bms.async_update())


def _at_once[T](work: Coroutine[object, object, T]) -> T:
    """Return what comes of work that has nothing to wait for, within the task that runs."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    raise RuntimeError("it waits")


def hear(side: Side, clock: Clock, stream: Sequence[Second]) -> object:
    """Give one side some stream, as fast as it takes it, and return what it knew when it was asked last."""
    value, notify = None, side.link.notify
    for number, second in enumerate(stream, start=1):
        clock.ahead += 1.0
        for data in second:
            notify(None, data)
        if number % _INTERVAL == 0:
            value = side.value()
    return value


@dataclass(frozen=True, slots=True)
class Pair:
    """What a second of stream costs each side, in microseconds."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Our time for each of theirs."""
        return self.ours / self.theirs


async def compare(battery: str, cells: int, size: int, pairs: int) -> list[Pair]:
    """Measure one side and the other in turn, with the same bytes, nobody else being heard meanwhile."""
    clock = asyncio.get_running_loop()
    assert isinstance(clock, Clock)
    # Whole cycles, and whole intervals.
    stream, length = seconds(battery, cells, size), lcm(cells, _INTERVAL)
    found = []
    async with Ours(cells) as ours, Theirs(cells) as theirs:
        # The first pair is for getting used to it.
        for _ in range(1 + pairs):
            part = list(islice(stream, length))
            first, second = [
                timed(partial(hear, side, clock, part)) / length * 1e6 for side in (ours, theirs)
            ]
            found.append(Pair(first, second))
    return found[1:]


def lines(pairs: int = PAIRS, packs: Sequence[int] = PACKS) -> Iterator[Line]:
    """Yield the lines as they are measured: our time for each of the peer's pair by pair, and both times."""
    for cells, size, battery in product(packs, SIZES, BATTERIES):
        with asyncio.Runner(loop_factory=Clock) as runner:
            found = runner.run(compare(battery, cells, size, pairs))
        name = f"receiving {cells} cells in {size} bytes, {battery}"
        yield summary(name, "x", _LIMITS[battery], [pair.ratio for pair in found])
        yield summary(f"{name}: a second of it", "us", None, [pair.ours for pair in found])
        yield summary(f"{name}: the peer's", "us", None, [pair.theirs for pair in found])
