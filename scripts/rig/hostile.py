"""Something hostile that looks like a BMS: a good one with somebody between it and the air.

It advertises as a BMS does, and its radio module is one. What it does otherwise is a `Trick`; each is one
row of a table.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice, repeat
from typing import Final

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.gatt_uuids import NORDIC_RX, NORDIC_TX
from custom_components.smartbms.bms.records import MAX_CELLS, encode
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Record,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.gatt import Central, Service
from custom_components.smartbms.simulator.peripheral import BmsPeripheral

# How often something is poured; asyncio's clocks are not worth more.
_TICK: Final = 0.01
# More distinct lines than any cache of decoded ones holds.
_DISTINCT: Final = 5000
_ALL_ALLOWED, _ALARMED = 0x03, 0x78

type Table = tuple[Service, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trick:
    """What a hostile device does otherwise than a good one; this alone is nothing.

    `pours` is said again and again, `rate` pieces a second, once the command `pours_after` has been
    answered. `replies` returns what a command is answered with instead, `None` to leave it to the BMS;
    `hangs_up` whether the connection ends with a command. `table` is what becomes of the service table.
    `ends` is the key of the error that all of it ends with, `None` where the connection is kept; what is
    `met_once` only deceives somebody who meets it for the first time.
    """

    pours: tuple[bytes, ...] = ()
    rate: float = 0.0
    pours_after: str = "E!"
    replies: Callable[[str], bytes | None] = lambda _: None
    hangs_up: Callable[[str], bool] = lambda _: False
    table: Callable[[Table], Table] = lambda table: table
    ends: str | None = None
    met_once: bool = False


class HostileBms(BmsPeripheral):
    """A BMS in the hands of somebody hostile; see `play`."""

    def __init__(self, firmware: Firmware, address: str, serial_number: int) -> None:
        """Be good at first."""
        super().__init__(firmware, address, serial_number)
        self.poured = 0
        self._honest_table = self.services
        self._trick = Trick()
        self._pieces = iter(self._trick.pours)
        self._ticker: asyncio.TimerHandle | None = None

    def play(self, trick: Trick) -> None:
        """Begin a trick, with the next connection."""
        self._trick = trick
        self.services = trick.table(self._honest_table)
        self.drop()

    def connect(self, central: Central, mtu: int = 23) -> None:
        """Take a central's connection, and pour nothing before it is asked."""
        super().connect(central, mtu)
        self._stop()

    def disconnect(self) -> None:
        """Lose the connection; nobody is left to pour at."""
        self._stop()
        super().disconnect()

    def write(self, handle: int, data: bytes) -> None:
        """Take a write, which is one command or a ping, as the trick wants."""
        command = data.replace(b"$", b"").rstrip(b"\r").decode("latin-1")
        if command and self._trick.hangs_up(command):
            self.drop()
            return
        reply = self._trick.replies(command) if command else None
        if reply is None:
            super().write(handle, data)
        else:
            self._send(reply)
        if command == self._trick.pours_after and self._trick.pours and self._ticker is None:
            self._pieces = cycle(self._trick.pours)
            self._began = asyncio.get_running_loop().time()
            self.poured = 0
            self._pour()

    def _pour(self) -> None:
        loop = asyncio.get_running_loop()
        self._ticker = loop.call_later(_TICK, self._pour)
        due = int((loop.time() - self._began) * self._trick.rate)
        self._send(b"".join(islice(self._pieces, due - self.poured)))
        self.poured = due

    def _stop(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None


def hostile_bms(serial_number: int, *, cells: int = 3) -> HostileBms:
    """Return a BMS that is good until it is told to play a trick."""
    clock = asyncio.get_running_loop().time
    firmware = Firmware(Battery(cells), DeviceType.GEN3_RAYTAC, clock, speed=0.0)
    address = f"C0:FF:EE:66:{serial_number >> 8:02X}:{serial_number & 255:02X}"
    return HostileBms(firmware, address, serial_number)


def _lines(*records: Record) -> tuple[bytes, ...]:
    return tuple(f"{encode(record, Generation.GEN3)}\r".encode() for record in records)


def _cells(count: int, times: int = 3) -> tuple[CellRecord, ...]:
    return tuple(repeat(CellRecord(1, count, 3.3, 293, _ALL_ALLOWED, 0x30), times))


def _flood() -> tuple[bytes, ...]:
    """Return cells of a full pack, no two lines alike, whose alarms come and go with every second one."""
    return _lines(
        *(
            CellRecord(
                number % MAX_CELLS + 1,
                MAX_CELLS,
                2.5 + (number % 200) / 200,
                280 + number % 30,
                _ALARMED if number // 2 % 2 else _ALL_ALLOWED,
                number & 0x3E,
            )
            for number in range(_DISTINCT)
        )
    )


# The largest and the smallest that is believed, one after the other.
_ABSURD: Final = _lines(
    PackRecord(1530.0, 2500.0, 2500.0, 2500.0),
    VoltageRecord(6.0, 1, 6.0, 2, 6.0),
    TemperatureRecord(504, 1, 504, 2, 0xFF),
    CellRecord(1, 3, 6.0, 504, 0xFF, 0xFF),
    EnergyRecord(0xFFFFFF, 0xFFFFFF, 0xFFFFFF, 100),
    TotalsRecord(0xFFFFFF, 0xFFFFFF, 23, 59),
    HealthRecord(100, 0xFFFFFF, 0xFFFFFF, 100, 167772.15, 167772.15),
    BatteryEnergyRecord(0xFFFFFF, 0xFFFFFF, 0xFFFFFF, 0xFFFFFF),
    PackRecord(0.0, -2500.0, -2500.0, -2500.0),
    VoltageRecord(0.0, 1, 0.0, 1, 0.0),
    TemperatureRecord(155, 1, 155, 1, 0),
    CellRecord(1, 3, 0.0, 155, 0x00, 0x00),
    EnergyRecord(0, 0, 0, 0),
    TotalsRecord(0, 0, 0, 0),
    HealthRecord(0, 0, 0, 0, 0.0, 0.0),
    BatteryEnergyRecord(0, 0, 0, 0),
)


def _without(uuid: str) -> Callable[[Table], Table]:
    """Return what takes a characteristic out of a service table."""

    def table(services: Table) -> Table:
        return tuple(
            replace(service, characteristics=tuple(c for c in service.characteristics if c.uuid != uuid))
            for service in services
        )

    return table


def _doubled(uuid: str) -> Callable[[Table], Table]:
    """Return what puts a characteristic into a service table a second time, behind everything."""

    def table(services: Table) -> Table:
        *others, last = services
        again = tuple(
            replace(c, handle=last.characteristics[-1].handle + 3)
            for c in last.characteristics
            if c.uuid == uuid
        )
        return *others, replace(last, characteristics=last.characteristics + again)

    return table


def _reply(command: str, reply: str) -> bytes:
    return f"{command}\r{reply}\r".encode("latin-1")


def _silent(_: str) -> bytes:
    return b""


def _yes(command: str) -> bytes:
    return _reply(command, "OK")


def _asks_again(command: str) -> bytes | None:
    return None if command.startswith("PW") else _reply(command, "NA")


def _mute(command: str) -> bytes | None:
    return _reply(command, "OK") if command == "E!" else None


def _at(command: str) -> Trick:
    """Return a trick that hangs up on a command."""
    return Trick(hangs_up=lambda each: each.startswith(command), ends="connection_lost")


def _table(change: Callable[[str], Callable[[Table], Table]], uuid: str) -> Trick:
    return Trick(table=change(uuid), ends="not_a_bms", met_once=True)


TRICKS: Final[Mapping[str, Trick]] = {
    "flood": Trick(pours=_flood(), rate=10_000, ends="flooded"),
    "flood_before_login": Trick(pours=_flood(), rate=10_000, pours_after="", ends="flooded"),
    "line_without_end": Trick(pours=(b"C" * 100,), rate=1000, ends="flooded"),
    "slow_line_without_end": Trick(pours=(b"C" * 20,), rate=10, replies=_mute, ends="no_answer"),
    "cells_come_and_go": Trick(pours=_lines(*_cells(MAX_CELLS), *_cells(2)), rate=20, replies=_mute),
    "absurd_values": Trick(pours=_ABSURD, rate=20, replies=_mute),
    "silent": Trick(replies=_silent, ends="no_answer"),
    "no_stream": Trick(replies=_mute, ends="no_answer"),
    "says_ok_to_everything": Trick(replies=_yes, ends="no_answer"),
    "asks_for_the_pin_again": Trick(replies=_asks_again, ends="pin_rejected"),
    "asks_for_the_pin_all_the_time": Trick(pours=(b"NA\r",), rate=10, replies=_mute, ends="no_answer"),
    "hangs_up_on_the_pin": _at("PW"),
    "hangs_up_on_the_version": _at("V@"),
    "hangs_up_on_the_settings": _at("SRY1@"),
    "hangs_up_on_the_stream": _at("E!"),
    "no_way_in": _table(_without, NORDIC_RX),
    "no_way_out": _table(_without, NORDIC_TX),
    "two_ways_in": _table(_doubled, NORDIC_RX),
    "two_ways_out": _table(_doubled, NORDIC_TX),
}
