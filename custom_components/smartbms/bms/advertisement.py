"""From an advertisement to what kind of device this is (protocol.md 1)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from .device import DeviceType

BLUERADIOS: Final = 0x0085
RAYTAC: Final = 0x068A
ALBERTRONIC: Final = 0x091A
COMPANY_IDS: Final = (ALBERTRONIC, RAYTAC, BLUERADIOS)

NORDIC_UART_SERVICE: Final = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
BRSP_SERVICE: Final = "da2b84f1-6279-48de-bdc0-afbea0226079"
SERVICES: Final = frozenset((NORDIC_UART_SERVICE, BRSP_SERVICE))

NAME: Final = "123\\SmartBMS"
RENAMED_PREFIX: Final = "123BMS-BLE"


@dataclass(frozen=True, slots=True)
class Advertised:
    """A BMS as it advertises itself; both are `None` where no manufacturer data was heard."""

    device_type: DeviceType | None = None
    serial_number: str | None = None

    @property
    def title(self) -> str:
        r"""Name for a person, such as `123\SmartBMS 03330`."""
        return f"{NAME} {self.serial_number}" if self.serial_number else NAME


def parse(
    name: str | None, manufacturer_data: Mapping[int, bytes], service_uuids: Collection[str]
) -> Advertised | None:
    r"""Return what advertises itself, or `None` when it is not a 123SmartBMS.

    The device type decides where it is heard: the ignition 123\TUNE+ shares service and company
    id. Without manufacturer data the name decides, and without a name the service alone: then the
    login has to tell.
    """
    for company in COMPANY_IDS:
        data = manufacturer_data.get(company, b"")
        if len(data) >= 4:
            return _from_manufacturer_data(data)
    if name and name.startswith((NAME, RENAMED_PREFIX)):
        return Advertised()
    if not name and not manufacturer_data and SERVICES & {uuid.lower() for uuid in service_uuids}:
        return Advertised()
    return None


def _from_manufacturer_data(data: bytes) -> Advertised | None:
    """Byte 1 is the device type, bytes 2 and 3 the serial number; byte 0 is not understood."""
    if data[1] not in DeviceType:
        return None
    return Advertised(DeviceType(data[1]), f"{int.from_bytes(data[2:4]):05}")
