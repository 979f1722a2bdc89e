"""Reaching a BMS through bleak-retry-connector, with errors that say what is missing."""

from collections.abc import Callable

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bleak_retry_connector import (
    BleakClientWithServiceCache,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
    establish_connection,
)

from ..bms.errors import ConnectionLostError, NoFreeSlotError, NotInReachError

_ATTEMPTS = 2


async def connect(
    look_up: Callable[[], BLEDevice], name: str, on_disconnect: Callable[[], None]
) -> BleakClient:
    """Return a connected client.

    `look_up` returns the device by the best path of the moment and raises what keeps it away.
    Raises `NotInReachError`, `NoFreeSlotError` or `ConnectionLostError`.
    """
    try:
        return await establish_connection(
            BleakClientWithServiceCache,
            look_up(),
            name,
            disconnected_callback=lambda _: on_disconnect(),
            max_attempts=_ATTEMPTS,
            ble_device_callback=look_up,
        )
    except BleakOutOfConnectionSlotsError as err:
        raise NoFreeSlotError from err
    except BleakNotFoundError as err:
        raise NotInReachError from err
    except (BleakError, TimeoutError, OSError, EOFError) as err:
        raise ConnectionLostError from err
