"""The two serial services over GATT behind one small interface (protocol.md 2).

Which one a BMS has is read from its services, not from its generation: generation 3 exists with
both radio modules.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
import logging
from typing import Final, Protocol

from bleak.exc import BleakError

from ..bms.errors import NotABmsError
from ..bms.gatt_uuids import (
    BRSP_DATA_MODE,
    BRSP_INFO,
    BRSP_MODE,
    BRSP_RTS,
    BRSP_RX,
    BRSP_TX,
    NORDIC_RX,
    NORDIC_TX,
)

_LOGGER = logging.getLogger(__name__)

# What a notification or a write carries at the smallest MTU; both modules work with it.
CHUNK: Final = 20
# BlueRadios wants a moment after its mode is set (protocol.md 2.2).
_BRSP_SETTLING: Final = 0.4
# How long the flow control may hold a write before it is sent anyway.
_LONGEST_HOLD: Final = 1.0
# What a backend raises when a characteristic cannot be used.
_MAY_FAIL: Final = (BleakError, OSError, EOFError)

type OnBytes = Callable[[bytearray], None]


class Characteristic(Protocol):
    """The part of bleak's characteristic that is used."""

    @property
    def handle(self) -> int:
        """Attribute handle of the value."""

    @property
    def properties(self) -> Sequence[str]:
        """Names such as `write-without-response`."""


class ServiceTable(Protocol):
    """The part of bleak's service collection that is used."""

    def get_characteristic(self, specifier: str, /) -> Characteristic | None:
        """Return the characteristic of a UUID; raises `BleakError` when there are two."""


class GattClient(Protocol):
    """The part of bleak's client that is used; a simulated BMS in process offers the same."""

    @property
    def services(self) -> ServiceTable:
        """The services found."""

    async def start_notify(self, char: int, callback: Callable[[object, bytearray], None], /) -> None:
        """Subscribe to a characteristic by notification or indication, as it offers."""

    async def read_gatt_char(self, char: int, /) -> bytearray:
        """Read a characteristic."""

    async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
        """Write a characteristic, acknowledged when `response` is true."""

    async def clear_cache(self) -> bool:
        """Forget the services found, so that the next connection finds them anew."""

    async def disconnect(self) -> object:
        """End the connection."""


class Uart(Protocol):
    """A serial line to a BMS."""

    async def open(self, on_bytes: OnBytes) -> None:
        """Subscribe and switch the line on."""

    async def write(self, data: bytes, *, acknowledged: bool = True) -> None:
        """Send bytes, cut into what one packet carries."""


def select(client: GattClient) -> Uart:
    """Return the serial line that a connected device offers.

    Raises `NotABmsError` when it has neither, or not all of one.
    """
    found = {uuid: _find(client, uuid) for uuid in (NORDIC_RX, NORDIC_TX, BRSP_RX, BRSP_TX, BRSP_MODE)}
    nordic_rx, nordic_tx = found[NORDIC_RX], found[NORDIC_TX]
    if nordic_rx is not None and nordic_tx is not None:
        return NordicUart(client, nordic_rx, nordic_tx)
    rx, tx, mode = found[BRSP_RX], found[BRSP_TX], found[BRSP_MODE]
    if rx is not None and tx is not None and mode is not None:
        return BrspUart(client, rx, tx, mode)
    raise NotABmsError


def _find(client: GattClient, uuid: str) -> Characteristic | None:
    try:
        return client.services.get_characteristic(uuid)
    except BleakError as err:
        raise NotABmsError from err


class NordicUart:
    """The Nordic UART service of the Raytac module."""

    def __init__(self, client: GattClient, rx: Characteristic, tx: Characteristic) -> None:
        """Write to `rx`, listen to `tx`."""
        self._client = client
        self._rx = rx
        self._tx = tx

    async def open(self, on_bytes: OnBytes) -> None:
        """Subscribe to what the BMS sends."""
        await self._client.start_notify(self._tx.handle, lambda _, data: on_bytes(data))

    async def write(self, data: bytes, *, acknowledged: bool = True) -> None:
        """Send bytes; unacknowledged where that is wanted and offered, else acknowledged."""
        offered = self._rx.properties
        response = (acknowledged and "write" in offered) or "write-without-response" not in offered
        for start in range(0, len(data), CHUNK):
            await self._client.write_gatt_char(
                self._rx.handle, data[start : start + CHUNK], response=response
            )


class BrspUart(NordicUart):
    """The BlueRadios serial service: a mode to set, and flow control that may hold a write."""

    def __init__(
        self, client: GattClient, rx: Characteristic, tx: Characteristic, mode: Characteristic
    ) -> None:
        """Write to `rx`, listen to `tx`, switch the line on with `mode`."""
        super().__init__(client, rx, tx)
        self._mode = mode
        self._clear_to_send = asyncio.Event()
        self._clear_to_send.set()

    async def open(self, on_bytes: OnBytes) -> None:
        """Subscribe, then set the mode, which must come last; flow control and info may fail."""
        with suppress(*_MAY_FAIL):
            if (rts := _find(self._client, BRSP_RTS)) is not None:
                await self._client.start_notify(rts.handle, self._flow_control)
        await super().open(on_bytes)
        with suppress(*_MAY_FAIL):
            if (info := _find(self._client, BRSP_INFO)) is not None:
                await self._client.read_gatt_char(info.handle)
        await self._client.write_gatt_char(self._mode.handle, bytes((BRSP_DATA_MODE,)), response=True)
        await asyncio.sleep(_BRSP_SETTLING)

    async def write(self, data: bytes, *, acknowledged: bool = True) -> None:
        """Send bytes one acknowledged packet at a time, when the BMS has room for them."""
        for start in range(0, len(data), CHUNK):
            try:
                async with asyncio.timeout(_LONGEST_HOLD):
                    await self._clear_to_send.wait()
            except TimeoutError:
                _LOGGER.debug("Held by flow control for %s s; sending anyway", _LONGEST_HOLD)
            await super().write(data[start : start + CHUNK])

    def _flow_control(self, _: object, data: bytearray) -> None:
        """Follow RTS: zero means that bytes may be sent."""
        if data and data[0]:
            self._clear_to_send.clear()
        else:
            self._clear_to_send.set()
