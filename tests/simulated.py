"""Simulated BMSes as the tests need them."""

from collections.abc import Callable

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.surroundings import Surroundings

ADDRESS = "EC:FE:7E:00:0D:02"
SERIAL_NUMBER = 3330


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Begin at a thousand seconds."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def still_firmware(
    clock: Callable[[], float],
    device_type: DeviceType = DeviceType.GEN3_RAYTAC,
    *,
    cells: int = 2,
    requires_pin: bool = False,
    kind: type[Firmware] = Firmware,
) -> Firmware:
    """Return a BMS whose battery stands still: 3.3 V, raw 293 in every cell, no current.

    `kind` is how it differs from a good one.
    """
    nothing = Surroundings(solar_peak=0, load_peak=0)
    battery = Battery(cells, capacity=100, state_of_charge=0.5, surroundings=nothing)
    for cell in battery.cells:
        cell.charge, cell.capacity, cell.voltage, cell.temperature = 50.0, 100.0, 3.3, 19.0
    return kind(battery, device_type, clock, requires_pin=requires_pin, speed=0)


def peripheral(
    clock: Callable[[], float],
    device_type: DeviceType = DeviceType.GEN3_RAYTAC,
    *,
    cells: int = 2,
    requires_pin: bool = False,
    kind: type[Firmware] = Firmware,
) -> BmsPeripheral:
    """Return a still BMS in radio reach."""
    firmware = still_firmware(clock, device_type, cells=cells, requires_pin=requires_pin, kind=kind)
    return BmsPeripheral(firmware, ADDRESS, SERIAL_NUMBER)


def ask(firmware: Firmware, sent: bytes) -> bytes:
    """Send bytes and return what comes back."""
    firmware.receive(sent)
    return firmware.take()
