"""A simulated BMS to which everything happens that a link, its owner and a phone do to one.

What it says is damaged on its way: on air a link loses and disorders nothing until it is lost, but a proxy
that runs out of memory loses whole notifications, and what else a stack may do with them nobody rules out.
"""

import asyncio
from collections.abc import Callable, Iterator
from enum import StrEnum
from math import inf
from random import Random
from typing import Final

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.state import Record
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.gatt import Central
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.sensors import Sensors
from custom_components.smartbms.simulator.surroundings import Surroundings

# Large cells under a large roof, so that energies move within minutes: as much as one may believe.
_CAPACITY: Final = 5000.0
_WATTS_PER_CELL: Final = 3000.0
_HOB: Final = 0.3


class Damage(StrEnum):
    """What becomes of a notification on its way."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    CUT = "cut"


class Heard(Firmware):
    """A BMS that calls `on_cycle` before it says how things are."""

    on_cycle: Callable[[], None] = staticmethod(lambda: None)

    def cycle(self) -> Iterator[Record]:
        """Return the records of one cycle."""
        self.on_cycle()
        return super().cycle()


class Phone:
    """The phone app: it takes the only connection."""

    def notified(self, handle: int, data: bytes) -> None:
        """Hear something."""

    def dropped(self) -> None:
        """Lose the BMS."""


class _Air:
    """What is between a BMS and its central."""

    def __init__(self, bms: FaultyBms, central: Central) -> None:
        self._bms = bms
        self._central = central
        self._kept: list[tuple[int, bytes]] = []

    def notified(self, handle: int, data: bytes) -> None:
        """Pass a notification on, or what becomes of it."""
        self._kept.append((handle, data))
        if self._bms.withholds:
            return
        if (damage := self._bms.damage_of_next()) is Damage.REORDERED and len(self._kept) == 1:
            # It goes after the next one.
            return
        kept, self._kept = self._kept[::-1] if len(self._kept) == 2 else self._kept, []
        for each in kept:
            self._pass_on(*each, damage)

    def dropped(self) -> None:
        """Tell the central that the BMS hung up."""
        self._central.dropped()

    def release(self) -> None:
        """Pass on what has been withheld."""
        kept, self._kept = self._kept, []
        for each in kept:
            self._pass_on(*each, None)

    def _pass_on(self, handle: int, data: bytes, damage: Damage | None) -> None:
        if damage is Damage.LOST:
            return
        data = data[: len(data) // 2] if damage is Damage.CUT else data
        for _ in range(2 if damage is Damage.DOUBLED else 1):
            self._central.notified(handle, data)
        self._bms.on_told()


class FaultyBms(BmsPeripheral):
    """A BMS with its faults at hand.

    One in `one_in` notifications suffers the `damage`. What it says it `withholds`, or every write to it
    `refuses`. `on_cycle` is called before it says how things are, `on_told` when something has been said;
    `damaged` counts what has suffered, the last of it at `damaged_at` on the clock of the loop.
    """

    def __init__(self, firmware: Heard, address: str, serial_number: int) -> None:
        """Be without faults."""
        super().__init__(firmware, address, serial_number)
        self.damage: Damage | None = None
        self.one_in = 1
        self.withholds = False
        self.refuses = False
        self.phone: Phone | None = None
        self.on_told: Callable[[], None] = lambda: None
        self.on_cycle: Callable[[], None] = lambda: None
        firmware.on_cycle = self._cycle
        self.damaged = 0
        self.damaged_at = -inf
        self._loop = asyncio.get_running_loop()
        self._random = Random(serial_number)
        self._air: _Air | None = None

    def connect(self, central: Central, mtu: int = 23) -> None:
        """Take a central's connection."""
        self._air = _Air(self, central)
        super().connect(self._air, mtu)

    def disconnect(self) -> None:
        """Lose the connection, and what is on its way with it."""
        self._air = None
        super().disconnect()

    def write(self, handle: int, data: bytes) -> None:
        """Take a write, or fail it."""
        if self.refuses:
            raise OSError("the write failed")
        super().write(handle, data)

    def withhold(self, withholds: bool) -> None:
        """Say nothing more, or all that has not been said."""
        self.withholds = withholds
        if not withholds and self._air is not None:
            self._air.release()

    def take_phone(self) -> None:
        """Hang up, and be the phone app's."""
        self.drop()
        self.phone = Phone()
        self.connect(self.phone)

    def leave_phone(self) -> None:
        """Be free again."""
        self.phone = None
        self.disconnect()

    def _cycle(self) -> None:
        self.on_cycle()

    def damage_of_next(self) -> Damage | None:
        """Return what becomes of the next notification."""
        if self.damage is None or self._random.randrange(self.one_in):
            return None
        self.damaged += 1
        self.damaged_at = self._loop.time()
        return self.damage

    def change_cells(self, cells: int) -> None:
        """Have another battery of so many cells."""
        self.firmware.install(battery(cells, self.firmware.battery.surroundings), self.firmware.sensors)


def battery(cells: int, surroundings: Surroundings) -> Battery:
    """Return a battery of large cells."""
    return Battery(cells, capacity=_CAPACITY, surroundings=surroundings)


def faulty_bms(
    number: int, device_type: DeviceType, cells: int, *, hour: float, has_both: bool = True
) -> FaultyBms:
    """Return a BMS whose life begins at an hour of the day; with one current sensor unless it `has_both`."""
    peak = _WATTS_PER_CELL * cells
    around = Surroundings(solar_peak=peak, load_peak=peak, hob=_HOB, time_of_day=hour * 3600)
    firmware = Heard(battery(cells, around), device_type, asyncio.get_running_loop().time, speed=0.0)
    if not has_both:
        firmware.sensors = Sensors(load=None)
        firmware.pass_time(0.0)
    return FaultyBms(firmware, f"C0:FF:EE:05:{number >> 8:02X}:{number & 255:02X}", number)
