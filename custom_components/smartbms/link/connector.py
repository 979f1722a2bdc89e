"""Reaching a BMS through bleak-retry-connector, with errors that say what is missing."""

from collections.abc import Callable
from typing import Any, Final

from bleak.backends.device import BLEDevice
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak_retry_connector import (
    OUT_OF_SLOTS_ERRORS,
    BleakClientWithServiceCache,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
    establish_connection,
)

from ..bms.errors import ConnectionLostError, NoFreeSlotError, NotInReachError, SmartBmsError

_ATTEMPTS: Final = 2
_FAILURES: Final = (BleakError, TimeoutError, OSError, EOFError)


class _Client(BleakClientWithServiceCache):
    """Gives up after as many failures as attempts were granted, whatever they were.

    bleak-retry-connector alone goes on for minutes with an error that may pass, such as a BMS that
    the phone app holds or a proxy without a free connection, while a person waits for an answer.
    """

    _failures = 0

    async def connect(self, **kwargs: Any) -> None:
        """Connect; the last failure ends the retries because it is no error of Bluetooth."""
        try:
            await super().connect(**kwargs)
        except _FAILURES as err:
            self._failures += 1
            if self._failures < _ATTEMPTS:
                raise
            raise _explained(err) from err


def _explained(err: Exception) -> SmartBmsError:
    if any(sign in str(err) for sign in OUT_OF_SLOTS_ERRORS):
        return NoFreeSlotError()
    if isinstance(err, (TimeoutError, BleakDeviceNotFoundError)):
        return NotInReachError()
    return ConnectionLostError()


async def connect(
    look_up: Callable[[], BLEDevice], name: str, on_disconnect: Callable[[], None]
) -> BleakClientWithServiceCache:
    """Return a connected client.

    `look_up` returns the device by the best path of the moment and raises what keeps it away.
    Raises `NotInReachError`, `NoFreeSlotError` or `ConnectionLostError`.
    """
    try:
        return await establish_connection(
            _Client,
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
    except _FAILURES as err:
        raise ConnectionLostError from err
