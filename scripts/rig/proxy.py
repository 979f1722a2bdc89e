"""A virtual ESPHome Bluetooth proxy: peripherals without a radio, served to a real Home Assistant.

It speaks the plaintext native API on the loopback interface, and breaks on demand the way that real
proxies and radio links do.
"""

import asyncio
from collections.abc import Iterable

from aioesphomeapi import BluetoothScannerMode
from aioesphomeapi.core import to_human_readable_address

from custom_components.smartbms.simulator.gatt import Peripheral

from .esphome_link import LINK_TIMEOUT, Link
from .esphome_session import Session
from .esphome_wire import Message, address_number, pb, raw_advertisement

# Home Assistant restarts a scanner that hears nothing, and a connected battery is silent: something
# harmless has to be on air, here flags and a name that no integration asks for.
BEACON = ("F0:00:00:00:00:01", bytes.fromhex("020106 0709") + b"beacon")

# Stand-ins for the devices of whoever else holds slots; the client wants an address for each.
_FOREIGN = address_number("F0:00:00:00:01:00")


class VirtualProxy:
    """A proxy on the loopback interface, with its faults at a test's fingertips.

    `peripherals` holds what is on air, by address, and may change at any time; `out_of_reach` names
    those that this proxy cannot hear. A link that is lost in this way ends within `advertise_every`
    seconds, and a connect that finds nobody fails after `connect_timeout` seconds.
    """

    def __init__(
        self,
        name: str,
        mac: str,
        peripherals: Iterable[Peripheral],
        *,
        slots: int = 3,
        rssi: int = -60,
        advertise_every: float = 1.0,
        connect_timeout: float = 10.0,
        mtu: int = 23,
    ) -> None:
        """Describe the proxy; `start` brings it up."""
        self.name = name
        self.mac = mac
        self.peripherals = {each.address: each for each in peripherals}
        self.slots = slots
        self.rssi = rssi
        self.advertise_every = advertise_every
        self.connect_timeout = connect_timeout
        self.mtu = mtu
        self.out_of_reach: set[str] = set()
        self.hung = False
        self.scanner_mode: int = BluetoothScannerMode.ACTIVE
        self.sessions: set[Session] = set()
        self._slots_taken = 0
        self._port = 0
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.TimerHandle | None = None

    async def start(self, port: int = 0) -> int:
        """Listen, on any free port unless one is given, and return the port."""
        loop = asyncio.get_running_loop()
        self.hung = False
        self._server = await loop.create_server(lambda: Session(self), "127.0.0.1", port)
        self._port = self._server.sockets[0].getsockname()[1]
        self._tick()
        return self._port

    async def stop(self) -> None:
        """Vanish as in a power cut, and return when nothing is left."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._server is not None:
            self._server.close()
            self._server.abort_clients()
            await self._server.wait_closed()

    async def restart(self) -> int:
        """Stop, and come back on the same port."""
        await self.stop()
        return await self.start(self._port)

    # Faults

    def take_slots(self, count: int) -> None:
        """Have somebody else hold this many slots; those that are in use here stay."""
        self._slots_taken = count
        self.slots_changed()

    def hang(self) -> None:
        """Accept bytes from now on and answer nothing."""
        self.hung = True

    def resume(self) -> None:
        """Come round: work off what has come in meanwhile."""
        self.hung = False
        for session in list(self.sessions):
            session.catch_up()

    def drop_link(self, address: str, error: int = LINK_TIMEOUT) -> None:
        """Lose the link to a peripheral, if there is one."""
        for session, link in self._linked():
            if link.peripheral.address == address:
                session.release(link, error)

    def kill_client(self) -> None:
        """Break the TCP connection of every client."""
        if self._server is not None:
            self._server.abort_clients()

    # The radio, as the sessions share it

    @property
    def links(self) -> frozenset[str]:
        """Addresses of the peripherals that are linked."""
        return frozenset(link.peripheral.address for _, link in self._linked())

    def in_reach(self, peripheral: Peripheral) -> bool:
        """Return whether a peripheral would be heard if it sent."""
        address = peripheral.address
        is_here = self.peripherals.get(address) is peripheral and address not in self.out_of_reach
        return is_here and peripheral.is_on

    def connectable(self, address: int) -> Peripheral | None:
        """Return the peripheral that waits for a central at an address."""
        peripheral = self.peripherals.get(to_human_readable_address(address))
        return peripheral if peripheral is not None and self._advertises(peripheral) else None

    @property
    def slots_free(self) -> int:
        """How many more connects may be under way or have succeeded."""
        return max(0, self.slots - self._slots_taken - len(self._allocated))

    def slots_message(self) -> Message:
        """Return the state of the slots as clients want it: an address for each that is not free."""
        free = self.slots_free
        foreign = range(_FOREIGN, _FOREIGN + self._slots_taken)
        allocated = [*self._allocated, *foreign][: self.slots - free]
        message: Message = pb.BluetoothConnectionsFreeResponse(
            free=free, limit=self.slots, allocated=allocated
        )
        return message

    def slots_changed(self) -> None:
        """Tell the clients that count slots."""
        for session in self.sessions:
            if session.counting_slots:
                session.send(self.slots_message())

    @property
    def _allocated(self) -> list[int]:
        return [address for session in self.sessions for address in (*session.links, *session.attempts)]

    def _linked(self) -> list[tuple[Session, Link]]:
        return [(session, link) for session in self.sessions for link in session.links.values()]

    def _advertises(self, peripheral: Peripheral) -> bool:
        return self.in_reach(peripheral) and not peripheral.connected

    def _tick(self) -> None:
        """Let one advertising interval pass."""
        self._ticker = asyncio.get_running_loop().call_later(self.advertise_every, self._tick)
        for session, link in self._linked():
            if not self.in_reach(link.peripheral):
                session.release(link, LINK_TIMEOUT)
        for session in self.sessions:
            for address in list(session.attempts):
                session.retry(address)
        if not self.hung:
            self._advertise()

    def _advertise(self) -> None:
        heard = [
            (each.address, each.advertisement) for each in self.peripherals.values() if self._advertises(each)
        ]
        message = pb.BluetoothLERawAdvertisementsResponse(
            advertisements=[raw_advertisement(address, self.rssi, data) for address, data in (BEACON, *heard)]
        )
        for session in self.sessions:
            if session.scanning:
                session.send(message)
