"""One Home Assistant for the whole package: a start takes seconds."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
import pytest_asyncio
import pytest_socket

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from scripts.rig.hostile_soak import EVENT_LOOP
from scripts.rig.world import PIN, World, simulated_bms, world

from .house import Bms, Bring, Log, Witness

_SERIAL_NUMBERS = count(101)
# A radio module that is heard often saves waiting; a few cells are told within the first second.
_ADVERTISE_EVERY = 0.2
_CELLS = 3
_PACE = 9.0


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Let what is shared outlive a test; the plugin would take it for forgotten."""


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared() -> AsyncIterator[World]:
    """Start Home Assistant with a proxy and nothing in its reach."""
    # The fixture of that name only lives as long as a test.
    pytest_socket.enable_socket()
    levels = {"custom_components.smartbms": "debug"}
    async with world([], log_levels=levels, companions=[EVENT_LOOP]) as here:
        here.proxy.advertise_every = _ADVERTISE_EVERY
        yield here


@pytest.fixture
def here(shared: World) -> Iterator[World]:
    """Give the house, and end the faults of its proxy."""
    before = shared.proxy.connect_timeout
    yield shared
    shared.proxy.connect_timeout = before
    shared.proxy.take_slots(0)
    shared.proxy.resume()


@pytest.fixture
def log(here: World) -> Log:
    """Give what the integration logs during the test."""
    return Log(here)


@pytest_asyncio.fixture(loop_scope="session")
async def bring(here: World) -> AsyncIterator[Bring]:
    """Put BMS into reach that hold still, each with a serial number of its own; remove them afterwards."""
    brought: list[Bms] = []

    def put(
        device_type: DeviceType = DeviceType.GEN3_RAYTAC,
        *,
        pin: str = PIN,
        advertised_type: int | None = None,
    ) -> Bms:
        number = next(_SERIAL_NUMBERS)
        bms = simulated_bms(
            device_type, cells=_CELLS, serial_number=number, speed=0, pace=_PACE, pin=pin, kind=Witness
        )
        firmware = bms.firmware
        assert isinstance(firmware, Witness)
        if advertised_type is not None:
            bms = BmsPeripheral(firmware, bms.address, number, advertised_type=advertised_type)
        brought.append(Bms(here, bms, firmware, f"123\\SmartBMS {number:05}"))
        here.proxy.peripherals[bms.address] = bms
        return brought[-1]

    yield put
    here.proxy.resume()
    for each in brought:
        await each.take_away()
