"""What the tests of the simulator may use."""

import pytest

from custom_components.smartbms.simulator.firmware import Firmware
from tests.simulated import Clock, still_firmware


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def firmware(clock: Clock) -> Firmware:
    """Return a generation 3 BMS with two cells that needs no PIN, and a client connected."""
    firmware = still_firmware(clock)
    firmware.connected()
    return firmware
