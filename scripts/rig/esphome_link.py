"""A link between a proxy's client and a peripheral, down to its attributes."""

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from custom_components.smartbms.simulator.gatt import Peripheral

from .esphome_wire import NOTIFYING, address_number, pb

if TYPE_CHECKING:
    from .esphome_session import Session

# Reasons as a Bluetooth controller gives them (Core Specification, volume 1, part F).
LINK_TIMEOUT = 0x08
ENDED_BY_DEVICE = 0x13
ENDED_BY_HOST = 0x16
FAILED_TO_ESTABLISH = 0x3E


class InvalidHandleError(OSError):
    """The service table has no attribute of this kind at this handle."""


class Link:
    """A session's connection to a peripheral; the peripheral sees it as its central."""

    def __init__(self, session: Session, peripheral: Peripheral) -> None:
        """Start with notifications off, as after every Bluetooth connection."""
        table = [each for service in peripheral.services for each in service.characteristics]
        self.peripheral = peripheral
        self.address = address_number(peripheral.address)
        self._session = session
        self._values = {each.handle for each in table}
        self._configurations = {each.handle + 1: bytes(2) for each in table if each.properties & NOTIFYING}
        self._passed_on: set[int] = set()
        self._subscribed: set[int] = set()

    def notified(self, handle: int, data: bytes) -> None:
        """Pass a notification on to the client."""
        if self._live and self._session.proxy.in_reach(self.peripheral):
            self._session.send(
                pb.BluetoothGATTNotifyDataResponse(address=self.address, handle=handle, data=data)
            )

    def dropped(self) -> None:
        """Tell the client that the peripheral hung up."""
        if self._live:
            self._session.forget(self, ENDED_BY_DEVICE)

    @property
    def _live(self) -> bool:
        return self._session.links.get(self.address) is self

    # What the client may do to an attribute. Each returns the fields of the answer beyond address
    # and handle, or nothing when no answer is due.

    def read(self, request: Any) -> dict[str, Any] | None:
        """Read a characteristic."""
        return {"data": self.peripheral.read(_known(request.handle, self._values))}

    def write(self, request: Any) -> dict[str, Any] | None:
        """Write a characteristic."""
        self.peripheral.write(_known(request.handle, self._values), request.data)
        return {} if request.response else None

    def read_descriptor(self, request: Any) -> dict[str, Any] | None:
        """Read a client configuration."""
        return {"data": self._configurations[_known(request.handle, self._configurations)]}

    def write_descriptor(self, request: Any) -> dict[str, Any] | None:
        """Write a client configuration."""
        self._configurations[_known(request.handle, self._configurations)] = request.data
        self._follow(request.handle - 1)
        return {}

    def notify(self, request: Any) -> dict[str, Any] | None:
        """Begin or cease to pass on a characteristic's notifications."""
        _known(request.handle + 1, self._configurations)
        (self._passed_on.add if request.enable else self._passed_on.discard)(request.handle)
        self._follow(request.handle)
        return {}

    def _follow(self, handle: int) -> None:
        enabled = handle in self._passed_on and any(self._configurations[handle + 1])
        if enabled != (handle in self._subscribed):
            self._subscribed ^= {handle}
            self.peripheral.subscribe(handle, enabled)


def _known(handle: int, table: Container[int]) -> int:
    if handle not in table:
        raise InvalidHandleError(f"no attribute at handle {handle}")
    return handle
