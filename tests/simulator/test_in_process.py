"""Reaching a simulated BMS in process is like reaching a real one through bleak."""

import asyncio
from collections.abc import Callable

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.simulator.gatt import Characteristic, Property, Service
from custom_components.smartbms.simulator.in_process import FoundCharacteristic, InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from tests.simulated import Clock, peripheral

RX = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"


@pytest.fixture
def device() -> BmsPeripheral:
    """Return a BMS with the Nordic module: it listens at handle 7 and speaks at handle 10."""
    return peripheral(Clock())


def collector(into: list[bytes]) -> Callable[[object, bytearray], None]:
    """Return a notification callback that keeps what it gets."""
    return lambda _, data: into.append(bytes(data))


async def test_services(device: BmsPeripheral) -> None:
    """Characteristics are found by UUID and described in bleak's words."""
    services = InProcessClient(device, lambda: None).services
    assert services.get_characteristic(RX) == FoundCharacteristic(RX, 7, ["write-without-response", "write"])
    assert services.get_characteristic(RX.replace("2", "9", 1)) is None


async def test_every_property(device: BmsPeripheral) -> None:
    """All properties of the vocabulary have the names that bleak uses."""
    device.services = (Service("service", 1, (Characteristic("everything", ~Property(0), 3),)),)
    found = InProcessClient(device, lambda: None).services.get_characteristic("everything")
    assert found is not None
    assert found.properties == ["read", "write-without-response", "write", "notify", "indicate"]


async def test_a_conversation(device: BmsPeripheral) -> None:
    """Notifications come in order, and never from within the write that caused them."""
    client = await InProcessClient(device, lambda: None).connect()
    assert device.connected
    heard: list[bytes] = []
    await client.start_notify(10, collector(heard))
    await client.write_gatt_char(7, b"S2@\r$", response=False)
    assert heard == []
    await asyncio.sleep(0)
    assert heard == [b"S2@\r244_2E4_111_155_", b"5F_05_103_258_294_0A", b"_05_FB\r"]
    assert await client.read_gatt_char(3) == b"\x64"
    await client.disconnect()
    assert not device.connected


async def test_notified_within_the_subscription() -> None:
    """BRSP says at once whether bytes may come; that is not missed."""
    device = peripheral(Clock(), DeviceType.GEN2)
    client = await InProcessClient(device, lambda: None).connect()
    heard: list[bytes] = []
    await client.start_notify(22, collector(heard))
    await asyncio.sleep(0)
    assert heard == [b"\x00"]


async def test_nothing_unasked(device: BmsPeripheral) -> None:
    """A notification that nobody subscribed to here is dropped."""
    client = await InProcessClient(device, lambda: None).connect()
    client.notified(99, b"?")
    await asyncio.sleep(0)


async def test_nothing_after_the_end(device: BmsPeripheral) -> None:
    """What is on its way when the connection ends does not arrive; nobody is told of our own end."""
    ends: list[None] = []
    client = await InProcessClient(device, lambda: ends.append(None)).connect()
    heard: list[bytes] = []
    await client.start_notify(10, collector(heard))
    await client.write_gatt_char(7, b"V@\r")
    await client.disconnect()
    await asyncio.sleep(0)
    assert heard == []
    assert ends == []


async def test_a_drop(device: BmsPeripheral) -> None:
    """When the peripheral goes away that is said once, and everything asked of it fails."""
    ends: list[None] = []
    client = await InProcessClient(device, lambda: ends.append(None)).connect()
    device.drop()
    client.dropped()
    assert len(ends) == 1
    with pytest.raises(OSError):
        await client.write_gatt_char(7, b"$")
    with pytest.raises(OSError):
        await client.read_gatt_char(3)
    with pytest.raises(OSError):
        await client.start_notify(10, collector([]))


async def test_before_the_connection(device: BmsPeripheral) -> None:
    """Nothing works before it is connected."""
    client = InProcessClient(device, lambda: None)
    with pytest.raises(OSError):
        await client.write_gatt_char(7, b"$")
    await client.disconnect()


async def test_taken(device: BmsPeripheral) -> None:
    """The only connection cannot be had twice, and who has lost it does not end another's."""
    first = await InProcessClient(device, lambda: None).connect()
    second = InProcessClient(device, lambda: None)
    with pytest.raises(ConnectionRefusedError):
        await second.connect()
    await second.disconnect()
    assert device.connected
    device.drop()
    await second.connect()
    await first.disconnect()
    assert device.connected
    await second.disconnect()
    assert not device.connected
