"""Reaching a simulated peripheral without a radio: what bleak's client is to a real one."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from .gatt import Characteristic, Peripheral, Property

_PROPERTY_NAMES: Final = {
    Property.READ: "read",
    Property.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Property.WRITE: "write",
    Property.NOTIFY: "notify",
    Property.INDICATE: "indicate",
}


@dataclass(frozen=True, slots=True)
class FoundCharacteristic:
    """One characteristic, its properties by the names that bleak gives them."""

    uuid: str
    handle: int
    properties: list[str]


class FoundServices:
    """The characteristics of a peripheral by their UUID."""

    def __init__(self, peripheral: Peripheral) -> None:
        """Read the service table once, as discovery does."""
        self._found: Mapping[str, FoundCharacteristic] = {
            characteristic.uuid: _found(characteristic)
            for service in peripheral.services
            for characteristic in service.characteristics
        }

    def get_characteristic(self, specifier: str, /) -> FoundCharacteristic | None:
        """Return the characteristic of a UUID, or `None` when there is none."""
        return self._found.get(specifier)


class InProcessClient:
    """A central for one simulated peripheral: `connect` it, then use it as bleak's client.

    `on_disconnect` is called once when the peripheral ends the connection, and never when this
    side does. What is asked of a connection that is gone raises an `OSError`.
    """

    def __init__(self, peripheral: Peripheral, on_disconnect: Callable[[], None]) -> None:
        """Prepare; `connect` takes the connection."""
        self.services = FoundServices(peripheral)
        self._peripheral = peripheral
        self._on_disconnect = on_disconnect
        self._loop = asyncio.get_running_loop()
        self._callbacks: dict[int, Callable[[object, bytearray], None]] = {}
        self._connected = False

    async def connect(self) -> Self:
        """Take the connection; raises `ConnectionRefusedError` when another central has it."""
        self._peripheral.connect(self)
        self._connected = True
        return self

    async def start_notify(self, char: int, callback: Callable[[object, bytearray], None], /) -> None:
        """Subscribe to a characteristic."""
        self._require_connection()
        # A peripheral may notify from within the subscription.
        self._callbacks[char] = callback
        self._peripheral.subscribe(char, enabled=True)

    async def read_gatt_char(self, char: int, /) -> bytearray:
        """Read a characteristic."""
        self._require_connection()
        return bytearray(self._peripheral.read(char))

    async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
        """Write a characteristic; in process every write arrives, acknowledged or not."""
        self._require_connection()
        self._peripheral.write(char, bytes(data))

    async def clear_cache(self) -> bool:
        """Forget nothing: the services are read with every connection."""
        return True

    async def disconnect(self) -> None:
        """End the connection; nothing is notified any more, not even what is on its way."""
        if self._connected:
            self._connected = False
            self._peripheral.disconnect()

    def notified(self, handle: int, data: bytes) -> None:
        """Pass a notification on, but never from within the call that caused it."""
        self._loop.call_soon(self._deliver, handle, bytearray(data))

    def dropped(self) -> None:
        """Learn that the peripheral ended the connection."""
        if self._connected:
            self._connected = False
            self._on_disconnect()

    def _deliver(self, handle: int, data: bytearray) -> None:
        if self._connected and (callback := self._callbacks.get(handle)) is not None:
            callback(handle, data)

    def _require_connection(self) -> None:
        if not self._connected:
            raise ConnectionResetError("not connected")


def _found(characteristic: Characteristic) -> FoundCharacteristic:
    names = [name for bit, name in _PROPERTY_NAMES.items() if bit in characteristic.properties]
    return FoundCharacteristic(characteristic.uuid, characteristic.handle, names)
