"""The two serial lines over GATT, against the simulated modules (protocol.md 2)."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.errors import NotABmsError
from custom_components.smartbms.link.transport import BrspUart, GattClient, NordicUart, Uart, select
from custom_components.smartbms.simulator.gatt import Characteristic, Property, Service
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from tests.simulated import peripheral

from .bench import Recorder

pytestmark = pytest.mark.usefixtures("virtual_time")

GEN2, GEN3 = DeviceType.GEN2, DeviceType.GEN3_RAYTAC
NORDIC_RX, NORDIC_TX = 7, 10
BRSP_INFO, BRSP_MODE, BRSP_RX, BRSP_TX, BRSP_RTS = 7, 10, 13, 16, 22


def device(device_type: DeviceType) -> BmsPeripheral:
    """Return a BMS with the radio module of a type."""
    return peripheral(asyncio.get_running_loop().time, device_type)


async def opened(client: Recorder) -> tuple[Uart, bytearray]:
    """Return the open serial line of a connection, and what it hears."""
    heard = bytearray()
    uart = select(client)
    await uart.open(heard.extend)
    client.written.clear()
    return uart, heard


def only(device: BmsPeripheral, *prefixes: str, properties: Property | None = None) -> BmsPeripheral:
    """Leave a device with some of its characteristics, perhaps with other properties."""
    device.services = tuple(
        Service(
            service.uuid,
            service.handle,
            tuple(
                Characteristic(char.uuid, properties or char.properties, char.handle)
                for char in service.characteristics
                if char.uuid.startswith(prefixes)
            ),
        )
        for service in device.services
    )
    return device


async def test_nordic() -> None:
    """Chunks of twenty bytes, and what is said comes back."""
    client = await Recorder(device(GEN3)).connect()
    uart, heard = await opened(client)
    assert type(uart) is NordicUart
    await uart.write(b"V@\r" + b"$" * 42)
    assert [(handle, len(data)) for _, handle, data, _ in client.written] == [
        (NORDIC_RX, 20),
        (NORDIC_RX, 20),
        (NORDIC_RX, 5),
    ]
    await asyncio.sleep(0)
    assert heard == b"V@\r33B_10_10_03_2A8_78\r"


@pytest.mark.parametrize(
    ("properties", "acknowledged", "response"),
    [
        (Property.WRITE | Property.WRITE_WITHOUT_RESPONSE, True, True),
        (Property.WRITE | Property.WRITE_WITHOUT_RESPONSE, False, False),
        (Property.WRITE, True, True),
        (Property.WRITE, False, True),
        (Property.WRITE_WITHOUT_RESPONSE, True, False),
        (Property.WRITE_WITHOUT_RESPONSE, False, False),
    ],
)
async def test_with_or_without_response(properties: Property, acknowledged: bool, response: bool) -> None:
    """A command is acknowledged and a ping is not, as far as the characteristic offers it."""
    client = await Recorder(only(device(GEN3), "6e4", properties=properties)).connect()
    uart, _ = await opened(client)
    await uart.write(b"$", acknowledged=acknowledged)
    assert [write[1:] for write in client.written] == [(NORDIC_RX, b"$", response)]


async def test_brsp() -> None:
    """Flow control, then data, then info, and the mode last; then a moment before the first byte."""
    calls: list[tuple[str, int]] = []

    class Watched(Recorder):
        async def start_notify(self, char: int, callback: Callable[[object, bytearray], None], /) -> None:
            calls.append(("notify", char))
            await super().start_notify(char, callback)

        async def read_gatt_char(self, char: int, /) -> bytearray:
            calls.append(("read", char))
            return await super().read_gatt_char(char)

        async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
            calls.append(("write", char))
            await super().write_gatt_char(char, data, response)

    client = await Watched(device(GEN2)).connect()
    began = asyncio.get_running_loop().time()
    heard = bytearray()
    uart = select(client)
    assert type(uart) is BrspUart
    await uart.open(heard.extend)
    assert calls == [("notify", BRSP_RTS), ("notify", BRSP_TX), ("read", BRSP_INFO), ("write", BRSP_MODE)]
    assert [write[1:] for write in client.written] == [(BRSP_MODE, b"\x01", True)]
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.4)
    client.written.clear()
    await uart.write(b"V@\r" + b"$" * 20, acknowledged=False)
    assert [(char, len(data), response) for _, char, data, response in client.written] == [
        (BRSP_RX, 20, True),
        (BRSP_RX, 3, True),
    ]
    await asyncio.sleep(0)
    assert heard == b"V@\r0F_10_10_03_2A8_46\r"


async def test_flow_control_holds() -> None:
    """While RTS is not zero nothing is sent; it goes on as soon as it is."""
    bms = device(GEN2)
    client = await Recorder(bms).connect()
    uart, _ = await opened(client)
    loop = asyncio.get_running_loop()
    began = loop.time()
    bms.hold(True)
    loop.call_later(0.7, bms.hold, False)
    await asyncio.sleep(0)
    await uart.write(b"$")
    assert [at - began for at, *_ in client.written] == [pytest.approx(0.7)]
    await uart.write(b"$")
    assert loop.time() - began == pytest.approx(0.7)


async def test_flow_control_forgotten() -> None:
    """A hold that nobody ends is borne a second for each packet, then it is sent anyway."""
    bms = device(GEN2)
    client = await Recorder(bms).connect()
    uart, _ = await opened(client)
    began = asyncio.get_running_loop().time()
    bms.hold(True)
    await asyncio.sleep(0)
    await uart.write(b"$" * 25)
    assert [at - began for at, *_ in client.written] == [pytest.approx(1), pytest.approx(2)]


async def test_flow_control_without_a_value() -> None:
    """An empty indication means that bytes may be sent."""
    client = await Recorder(device(GEN2)).connect()
    uart, _ = await opened(client)
    client.notified(BRSP_RTS, b"\x01")
    client.notified(BRSP_RTS, b"")
    await asyncio.sleep(0)
    await asyncio.wait_for(uart.write(b"$"), 0.1)


@pytest.mark.parametrize("error", [BleakError("no"), OSError(), TimeoutError(), EOFError()])
async def test_flow_control_and_info_may_fail(error: Exception) -> None:
    """A unit was seen that works without them (protocol.md 2.2)."""

    class Refusing(Recorder):
        async def start_notify(self, char: int, callback: Callable[[object, bytearray], None], /) -> None:
            if char == BRSP_RTS:
                raise error
            await super().start_notify(char, callback)

        async def read_gatt_char(self, char: int, /) -> bytearray:
            raise error

    client = await Refusing(device(GEN2)).connect()
    uart, heard = await opened(client)
    await uart.write(b"\r")
    await asyncio.sleep(0)
    assert heard == b"\r"


async def test_flow_control_and_info_may_be_missing() -> None:
    """Data and mode are enough."""
    client = await Recorder(only(device(GEN2), "a87988b9", "bf03260c", "18cda784")).connect()
    uart, heard = await opened(client)
    await uart.write(b"\r")
    await asyncio.sleep(0)
    assert heard == b"\r"


@pytest.mark.parametrize("failing", [BRSP_TX, BRSP_MODE])
async def test_data_and_mode_may_not_fail(failing: int) -> None:
    """Without data or mode there is no serial line, and the backend says why."""

    class Refusing(Recorder):
        async def start_notify(self, char: int, callback: Callable[[object, bytearray], None], /) -> None:
            if char == failing:
                raise BleakError("no")
            await super().start_notify(char, callback)

        async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
            raise BleakError("no")

    client = await Refusing(device(GEN2)).connect()
    with pytest.raises(BleakError):
        await select(client).open(bytearray().extend)


@pytest.mark.parametrize(
    ("device_type", "left"),
    [
        (GEN3, ()),
        (GEN3, ("6e400002",)),
        (GEN3, ("6e400003",)),
        (GEN2, ("bf03260c", "18cda784")),
        (GEN2, ("bf03260c", "a87988b9")),
        (GEN2, ("18cda784", "a87988b9")),
    ],
)
async def test_not_a_bms(device_type: DeviceType, left: tuple[str, ...]) -> None:
    """A device with neither service, or not all of one, is no BMS."""
    with pytest.raises(NotABmsError):
        select(Recorder(only(device(device_type), *left, "0000")))


async def test_a_doubled_characteristic() -> None:
    """Which of two is meant cannot be told, so bleak refuses to say, and so do we."""
    services = BleakGATTServiceCollection()
    for handle in (1, 10):
        service = BleakGATTService(None, handle, "6e400001-b5a3-f393-e0a9-e50e24dcca9e")
        services.add_service(service)
        for offset, uuid in ((1, "6e400002-b5a3-f393-e0a9-e50e24dcca9e"),):
            services.add_characteristic(
                BleakGATTCharacteristic(None, handle + offset, uuid, ["write"], lambda: 20, service)
            )
    with pytest.raises(NotABmsError):
        select(cast(GattClient, SimpleNamespace(services=services)))
