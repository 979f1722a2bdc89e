"""What the tests that write need."""

import asyncio

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.bms.writes import Change
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.write_fault import Fault, WriteFault
from tests.simulated import peripheral

from .life import Life

# 2.900 V is 0x0244, 2.500 V is 0x01F4.
LOWER = Change(SettingKey.V_MIN, 2.5)


async def connected(life: Life, pin: str | None = None) -> Life:
    """Return a life whose session is connected, what it sent so far forgotten."""
    life.begin(pin=pin)
    await life.until(Connection.CONNECTED)
    life.links[0].written.clear()
    return life


def kind_of(life: Life, kind: type[Firmware], device_type: DeviceType = DeviceType.GEN3_RAYTAC) -> None:
    """Let the BMS be another one."""
    life.bms = peripheral(asyncio.get_running_loop().time, device_type, kind=kind)


def go_wrong(life: Life, fault: Fault, at: int = 0, times: float = 1) -> None:
    """Let something go wrong with a write."""
    life.bms.firmware.write_fault = WriteFault(fault=fault, at=at, times=times, hang_up=life.bms.drop)


def written(life: Life) -> list[bytes]:
    """Return the bytes of settings that were sent, in every connection."""
    return [data for link in life.links for data in link.sent if data[2:3] == b"-"]
