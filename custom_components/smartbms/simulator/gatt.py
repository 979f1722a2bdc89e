"""A Bluetooth LE peripheral without a radio: the few GATT notions that a central needs to meet.

The same peripheral is driven in process by a stand-in for bleak's client and, over the network, by
the virtual ESPHome proxy. Attributes are addressed by handle, as on air, so that a service table
may hold a UUID twice.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Protocol


class Property(IntFlag):
    """Characteristic properties (Bluetooth Core Specification, volume 3, part G, 3.3.1.1)."""

    READ = 0x02
    WRITE_WITHOUT_RESPONSE = 0x04
    WRITE = 0x08
    NOTIFY = 0x10
    INDICATE = 0x20


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic; its client configuration descriptor is at `handle + 1`."""

    uuid: str
    properties: Property
    handle: int


@dataclass(frozen=True, slots=True)
class Service:
    """One primary service and its characteristics, handles rising."""

    uuid: str
    handle: int
    characteristics: tuple[Characteristic, ...]


class Central(Protocol):
    """What a peripheral may do to the central that is connected to it."""

    def notified(self, handle: int, data: bytes) -> None:
        """Receive a notification or indication of a subscribed characteristic."""

    def dropped(self) -> None:
        """Learn that the peripheral ended the connection."""


class Peripheral(Protocol):
    """A device in radio reach."""

    @property
    def address(self) -> str:
        """Bluetooth address, six upper-case hex pairs joined by colons."""

    @property
    def advertisement(self) -> bytes:
        """Advertisement and scan response, joined, as AD structures on air."""

    @property
    def services(self) -> tuple[Service, ...]:
        """The service table, handles rising."""

    @property
    def connected(self) -> bool:
        """Whether a central holds the only connection; a connected device does not advertise."""

    @property
    def is_on(self) -> bool:
        """Whether it has power; without, it neither advertises nor answers."""

    def connect(self, central: Central, mtu: int = 23) -> None:
        """Take a central's connection; notifications carry at most `mtu - 3` bytes."""

    def disconnect(self) -> None:
        """Lose the connection at the central's wish or by loss of the radio link."""

    def read(self, handle: int) -> bytes:
        """Return a characteristic's value."""

    def write(self, handle: int, data: bytes) -> None:
        """Take a write to a characteristic."""

    def subscribe(self, handle: int, enabled: bool) -> None:
        """Switch notifications or indications of a characteristic on or off."""
