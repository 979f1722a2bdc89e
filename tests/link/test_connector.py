"""What bleak-retry-connector says, said in our words."""

from unittest.mock import AsyncMock, Mock, patch

from bleak.backends.device import BLEDevice
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak_retry_connector import (
    BleakAbortedError,
    BleakClientWithServiceCache,
    BleakConnectionError,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
)
import pytest

from custom_components.smartbms.bms.errors import (
    ConnectionLostError,
    NoFreeSlotError,
    NotInReachError,
    SmartBmsError,
)
from custom_components.smartbms.link.connector import connect

ESTABLISH = "custom_components.smartbms.link.connector.establish_connection"
# As BlueZ describes a device.
DEVICE = BLEDevice(
    "EC:FE:7E:00:0D:02", "123\\SmartBMS", {"path": "/org/bluez/hci0/dev_EC_FE_7E_00_0D_02", "props": {}}
)


async def test_connected() -> None:
    """The device is looked up now and before every further try; its loss is reported."""
    look_up, lost = Mock(return_value=DEVICE), Mock()
    with patch(ESTABLISH, AsyncMock(return_value="the client")) as establish:
        client: object = await connect(look_up, "My BMS", lost)
    assert client == "the client"
    assert establish.await_args is not None
    kind, *others = establish.await_args.args
    assert issubclass(kind, BleakClientWithServiceCache)
    assert others == [DEVICE, "My BMS"]
    assert establish.await_args.kwargs["ble_device_callback"] is look_up
    assert establish.await_args.kwargs["max_attempts"] == 2
    establish.await_args.kwargs["disconnected_callback"](object())
    lost.assert_called_once_with()


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (BleakOutOfConnectionSlotsError("all taken"), NoFreeSlotError),
        (BleakNotFoundError("gone"), NotInReachError),
        (BleakAbortedError("interference"), ConnectionLostError),
        (BleakConnectionError("failed"), ConnectionLostError),
        (BleakError("whatever"), ConnectionLostError),
        (TimeoutError(), ConnectionLostError),
        (OSError("bus"), ConnectionLostError),
        (EOFError(), ConnectionLostError),
        (NotInReachError(), NotInReachError),
    ],
)
async def test_not_connected(raised: Exception, error: type[SmartBmsError]) -> None:
    """Each way of failing has its error; what the look-up raises is passed on."""
    with patch(ESTABLISH, AsyncMock(side_effect=raised)), pytest.raises(error) as caught:
        await connect(lambda: DEVICE, "My BMS", Mock())
    assert type(caught.value) is error


async def test_never_heard() -> None:
    """What the look-up raises at the beginning keeps us from trying."""
    with patch(ESTABLISH, AsyncMock()) as establish, pytest.raises(NotInReachError):
        await connect(Mock(side_effect=NotInReachError), "My BMS", Mock())
    establish.assert_not_awaited()


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (BleakError("backend has no available connection slots"), NoFreeSlotError),
        (TimeoutError(), NotInReachError),
        (BleakDeviceNotFoundError(DEVICE.address), NotInReachError),
        (BleakError("org.bluez.Error.InProgress"), ConnectionLostError),
        (EOFError(), ConnectionLostError),
    ],
)
@pytest.mark.usefixtures("virtual_time")
async def test_given_up_after_two_failures(failure: Exception, error: type[SmartBmsError]) -> None:
    """Two attempts are two, also where bleak-retry-connector itself would go on for minutes."""
    with (
        patch.object(BleakClientWithServiceCache, "connect", AsyncMock(side_effect=failure)) as attempt,
        pytest.raises(error) as caught,
    ):
        await connect(lambda: DEVICE, "My BMS", Mock())
    assert type(caught.value) is error
    assert attempt.await_count == 2


@pytest.mark.usefixtures("virtual_time")
async def test_the_second_attempt_succeeds() -> None:
    """One failure is not the end."""
    outcomes = AsyncMock(side_effect=[BleakError("once"), None])
    with patch.object(BleakClientWithServiceCache, "connect", outcomes):
        client = await connect(lambda: DEVICE, "My BMS", Mock())
    assert client.address == DEVICE.address
    assert outcomes.await_count == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (BleakError("No backend with an available connection slot"), NoFreeSlotError),
        (TimeoutError("while waiting for a free BLE connection slot"), NoFreeSlotError),
        (BleakDeviceNotFoundError("EC:FE:7E:00:0D:02"), NotInReachError),
        (TimeoutError(), NotInReachError),
        (BleakError("ESP_GATT_CONN_FAIL_ESTABLISH"), ConnectionLostError),
        (EOFError(), ConnectionLostError),
    ],
)
async def test_gives_up(failure: Exception, error: type[SmartBmsError]) -> None:
    """After two failures it is over, also where bleak-retry-connector would try nine times."""
    tries = AsyncMock(side_effect=failure)
    with (
        patch.object(BleakClientWithServiceCache, "connect", tries),
        patch("bleak_retry_connector.calculate_backoff_time", return_value=0),
        pytest.raises(error) as caught,
    ):
        await connect(lambda: DEVICE, "My BMS", Mock())
    assert type(caught.value) is error
    assert tries.await_count == 2
