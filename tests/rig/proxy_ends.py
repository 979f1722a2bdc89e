"""What the proxy's tests put at its two ends: a peripheral that echoes, and an API client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import APIConnectionError

from custom_components.smartbms.simulator.gatt import Central, Characteristic, Property, Service

ADDRESS = "C0:11:22:33:44:55"
NUMBER = 0xC01122334455
ECHO, LABEL = 3, 11
SERVICES = (
    Service(
        "0000ffe0-0000-1000-8000-00805f9b34fb",
        1,
        (
            Characteristic(
                "0000ffe1-0000-1000-8000-00805f9b34fb",
                Property.READ | Property.WRITE | Property.WRITE_WITHOUT_RESPONSE | Property.NOTIFY,
                ECHO,
            ),
        ),
    ),
    Service(
        "6e400001-b5a3-f393-e0a9-e50e24dcca9e",
        9,
        (Characteristic("6e400002-b5a3-f393-e0a9-e50e24dcca9e", Property.READ, LABEL),),
    ),
)
FEATURES = 0x7F


class Echo:
    """A peripheral that notifies what is written to it, and fails or hangs up when told to."""

    address = ADDRESS
    advertisement = bytes.fromhex("020106 0503e0ff0918")
    services = SERVICES
    is_on = True

    def __init__(self) -> None:
        """Start out alone."""
        self.central: Central | None = None
        self.mtu = 0
        self.subscribed: set[int] = set()
        self.taken_by_phone = False

    @property
    def connected(self) -> bool:
        """Whether somebody holds the connection."""
        return self.taken_by_phone or self.central is not None

    def connect(self, central: Central, mtu: int = 23) -> None:
        """Take the connection."""
        assert not self.connected
        self.central, self.mtu = central, mtu

    def disconnect(self) -> None:
        """Lose the connection."""
        self.central = None
        self.subscribed.clear()

    def read(self, handle: int) -> bytes:
        """Return something that depends on the handle."""
        return b"value %d" % handle

    def write(self, handle: int, data: bytes) -> None:
        """Notify what was written."""
        if data == b"fail":
            raise OSError("write not permitted")
        assert self.central is not None
        central = self.central
        if data == b"bye":
            self.disconnect()
            central.dropped()
        elif handle in self.subscribed:
            central.notified(handle, data)

    def subscribe(self, handle: int, enabled: bool) -> None:
        """Remember who listens."""
        assert enabled != (handle in self.subscribed)
        self.subscribed ^= {handle}


class Client:
    """An API client, with what it heard."""

    def __init__(self, api: APIClient) -> None:
        """Listen to everything."""
        self.api = api
        self.states: asyncio.Queue[tuple[bool, int, int]] = asyncio.Queue()
        self.notifications: asyncio.Queue[bytes] = asyncio.Queue()
        self.advertisements: asyncio.Queue[dict[int, Any]] = asyncio.Queue()
        self.slots: list[tuple[int, int, list[int]]] = []

    async def link(self) -> tuple[bool, int, int]:
        """Ask for a link and return the outcome as connected, MTU and error."""
        # Each link has its own, since the client goes on telling the old ones about the new.
        states = self.states = asyncio.Queue()
        await self.api.bluetooth_device_connect(
            NUMBER,
            lambda *state: states.put_nowait(state),
            timeout=5,
            feature_flags=FEATURES,
            address_type=1,
        )
        return await asyncio.wait_for(states.get(), 5)

    async def state(self) -> tuple[bool, int, int]:
        """Return the next change of the newest link."""
        return await asyncio.wait_for(self.states.get(), 5)

    async def subscribe(self) -> None:
        """Switch on the echo's notifications as Home Assistant does."""
        await self.api.bluetooth_gatt_start_notify(
            NUMBER, ECHO, lambda _, data: self.notifications.put_nowait(bytes(data))
        )
        await self.api.bluetooth_gatt_write_descriptor(NUMBER, ECHO + 1, b"\1\0")

    async def echo(self, data: bytes) -> bytes:
        """Write something and return what comes back."""
        await self.api.bluetooth_gatt_write(NUMBER, ECHO, data, response=True)
        return await asyncio.wait_for(self.notifications.get(), 5)

    def scan(self) -> None:
        """Begin to hear advertisements."""
        self.api.subscribe_bluetooth_le_raw_advertisements(
            lambda message: self.advertisements.put_nowait(
                {each.address: each for each in message.advertisements}
            )
        )

    async def heard(self) -> dict[int, Any]:
        """Return a batch of advertisements that was sent after this call."""
        while not self.advertisements.empty():
            self.advertisements.get_nowait()
        return await asyncio.wait_for(self.advertisements.get(), 5)

    def count_slots(self) -> None:
        """Begin to hear of free slots."""
        self.api.subscribe_bluetooth_connections_free(lambda *slots: self.slots.append(slots))


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """Connect to a proxy for a while."""
    api = APIClient("127.0.0.1", port)
    await api.connect()
    try:
        yield Client(api)
    finally:
        with suppress(APIConnectionError):
            await api.disconnect(force=True)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
