"""The radio module of a simulated BMS: a serial line over GATT, on air or in process.

Two modules exist (protocol.md 2): Raytac with the Nordic UART service, BlueRadios with BRSP. Both
carry the same bytes; BRSP needs its mode set first and has a flow-control characteristic.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from ..bms.advertisement import ALBERTRONIC, BLUERADIOS, BRSP_SERVICE, NAME, NORDIC_UART_SERVICE
from ..bms.device import DeviceType
from ..bms.gatt_uuids import (
    BRSP_CTS,
    BRSP_DATA_MODE,
    BRSP_INFO,
    BRSP_MODE,
    BRSP_RTS,
    BRSP_RX,
    BRSP_TX,
    NORDIC_RX,
    NORDIC_TX,
)
from .firmware import Firmware
from .gatt import Central, Characteristic, Property, Service

_READ: Final = Property.READ
_WRITE: Final = Property.WRITE
_ANY_WRITE: Final = Property.WRITE | Property.WRITE_WITHOUT_RESPONSE
_BATTERY_SERVICE: Final = "0000180f-0000-1000-8000-00805f9b34fb"
_BATTERY_LEVEL: Final = "00002a19-0000-1000-8000-00805f9b34fb"
# Recorded from a sister product with the same module (protocol.md 2.2).
_BRSP_INFO_VALUE: Final = bytes.fromhex("03000218001A001C001D001F0021002200")


@dataclass(frozen=True, slots=True)
class Module:
    """One kind of radio module: its service table and the characteristics that carry bytes."""

    company: int
    service: str
    characteristics: tuple[tuple[str, Property], ...]
    receive: str
    transmit: str


NORDIC: Final = Module(
    ALBERTRONIC,
    NORDIC_UART_SERVICE,
    ((NORDIC_RX, _ANY_WRITE), (NORDIC_TX, Property.NOTIFY)),
    receive=NORDIC_RX,
    transmit=NORDIC_TX,
)
BRSP: Final = Module(
    BLUERADIOS,
    BRSP_SERVICE,
    (
        (BRSP_INFO, _READ),
        (BRSP_MODE, _READ | _WRITE),
        (BRSP_RX, _ANY_WRITE),
        (BRSP_TX, Property.INDICATE),
        (BRSP_CTS, _WRITE),
        (BRSP_RTS, Property.INDICATE),
    ),
    receive=BRSP_RX,
    transmit=BRSP_TX,
)
MODULES: Final = {
    DeviceType.GEN2: BRSP,
    DeviceType.GEN3_BLUERADIOS: BRSP,
    DeviceType.GEN3_RAYTAC: NORDIC,
}


class Device(Protocol):
    """What is behind a radio module: bytes come from the client and go to it."""

    @property
    def device_type(self) -> DeviceType:
        """What it advertises itself as; it decides the radio module."""

    @property
    def is_on(self) -> bool:
        """Whether it has power."""

    def connected(self) -> None:
        """Begin with a new client."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the client, whatever they are."""

    def take(self) -> bytes:
        """Return what is waiting to be sent."""


class BmsPeripheral[D: Device = Firmware]:
    """A simulated BMS in radio reach: satisfies `gatt.Peripheral`."""

    def __init__(
        self,
        firmware: D,
        address: str,
        serial_number: int,
        *,
        name: str = NAME,
        advertised_type: int | None = None,
    ) -> None:
        """Switch on; `advertised_type` lets a sister product share the service."""
        self.firmware = firmware
        self.address = address
        self.module = MODULES[firmware.device_type]
        self.services = _service_table(self.module)
        self._handles = {
            characteristic.uuid: characteristic.handle
            for service in self.services
            for characteristic in service.characteristics
        }
        self.advertisement = _advertisement(
            self.module,
            firmware.device_type if advertised_type is None else advertised_type,
            serial_number,
            name,
        )
        self._central: Central | None = None
        self._mtu = 23
        self._subscribed: set[int] = set()
        self._mode = 0
        self.holding = False

    @property
    def connected(self) -> bool:
        """Whether a central holds the only connection."""
        return self._central is not None

    @property
    def is_on(self) -> bool:
        """Whether it has power; without, it does not advertise."""
        return self.firmware.is_on

    def connect(self, central: Central, mtu: int = 23) -> None:
        """Take a central's connection.

        Raises `ConnectionRefusedError` when another has it, or there is nobody without power.
        """
        if not self.is_on:
            raise ConnectionRefusedError("no power")
        if self._central is not None:
            raise ConnectionRefusedError("the only connection is taken")
        self._central = central
        self._mtu = mtu
        self._mode = 0
        self._subscribed.clear()
        self.firmware.connected()

    def disconnect(self) -> None:
        """Lose the connection."""
        self._central = None
        self._subscribed.clear()

    def drop(self) -> None:
        """End the connection from this side, as when the power fails."""
        if (central := self._central) is not None:
            self.disconnect()
            central.dropped()

    def read(self, handle: int) -> bytes:
        """Return a characteristic's value."""
        if handle == self._handles.get(BRSP_INFO):
            return _BRSP_INFO_VALUE
        return bytes((self._mode,)) if handle == self._handles.get(BRSP_MODE) else b"\x64"

    def write(self, handle: int, data: bytes) -> None:
        """Take a write: the mode, or bytes for the firmware; a connection to nobody ends with it."""
        if not self.is_on:
            self.drop()
        elif handle == self._handles.get(BRSP_MODE):
            self._mode = data[0] if data else 0
        elif handle == self._handles[self.module.receive] and self._passes:
            self.firmware.receive(data)
            self._send(self.firmware.take())

    def subscribe(self, handle: int, enabled: bool) -> None:
        """Switch notifications on or off; the flow control says at once that bytes may come."""
        (self._subscribed.add if enabled else self._subscribed.discard)(handle)
        if enabled and handle == self._handles.get(BRSP_RTS):
            self.hold(self.holding)

    def hold(self, holding: bool) -> None:
        """Ask the client over RTS to hold or to go on (BRSP only)."""
        self.holding = holding
        handle = self._handles.get(BRSP_RTS)
        if self._central is not None and handle is not None and handle in self._subscribed:
            self._central.notified(handle, b"\x01" if holding else b"\x00")

    @property
    def _passes(self) -> bool:
        return self.module is NORDIC or self._mode == BRSP_DATA_MODE

    def _send(self, data: bytes) -> None:
        """Notify bytes, cut into what one packet carries, to whoever is subscribed."""
        handle, size = self._handles[self.module.transmit], self._mtu - 3
        for start in range(0, len(data), size):
            if self._central is not None and handle in self._subscribed:
                self._central.notified(handle, data[start : start + size])


def _service_table(module: Module) -> tuple[Service, ...]:
    """Return a module's services, numbered as on air: service, declaration, value, configuration."""
    tables = []
    handle = 1
    for uuid, characteristics in (
        (_BATTERY_SERVICE, ((_BATTERY_LEVEL, _READ),)),
        (module.service, module.characteristics),
    ):
        first, rows = handle, []
        for characteristic, properties in characteristics:
            rows.append(Characteristic(characteristic, properties, handle + 2))
            handle += 3
        tables.append(Service(uuid, first, tuple(rows)))
        handle += 1
    return tuple(tables)


def _structure(kind: int, data: bytes) -> bytes:
    return bytes((len(data) + 1, kind)) + data


def _advertisement(module: Module, device_type: int, serial_number: int, name: str) -> bytes:
    """Return flags, manufacturer data, complete local name and service UUID (protocol.md 1)."""
    manufacturer = module.company.to_bytes(2, "little") + bytes((0, device_type)) + serial_number.to_bytes(2)
    service = bytes.fromhex(module.service.replace("-", ""))[::-1]
    return (
        _structure(0x01, b"\x06")
        + _structure(0xFF, manufacturer)
        + _structure(0x09, name.encode())
        + _structure(0x07, service)
    )
