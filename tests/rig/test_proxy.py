"""The virtual proxy, driven over loopback by the client that Home Assistant uses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from aioesphomeapi import BluetoothScannerMode
from aioesphomeapi.core import (
    APIConnectionError,
    BluetoothConnectionDroppedError,
    BluetoothGATTAPIError,
    TimeoutAPIError,
)
import pytest

from scripts.rig.esphome_wire import pb
from scripts.rig.proxy import BEACON, VirtualProxy

from .proxy_ends import ADDRESS, ECHO, FEATURES, LABEL, NUMBER, SERVICES, Client, Echo, client, until

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
def device() -> Echo:
    """Return the peripheral on air."""
    return Echo()


@pytest.fixture
async def proxy(device: Echo) -> AsyncIterator[VirtualProxy]:
    """Return a proxy that is quick to advertise and to give up."""
    proxy = VirtualProxy("proxy", "AA:BB:CC:00:00:01", [device], advertise_every=0.02, connect_timeout=0.15)
    yield proxy
    await proxy.stop()


@pytest.fixture
async def port(proxy: VirtualProxy) -> int:
    """Start the proxy and return its port."""
    return await proxy.start()


@pytest.fixture
async def alice(port: int) -> AsyncIterator[Client]:
    """Return a client of the proxy."""
    async with client(port) as connected:
        yield connected


@pytest.fixture
async def bob(port: int) -> AsyncIterator[Client]:
    """Return another client of the proxy."""
    async with client(port) as connected:
        yield connected


async def test_introduction(alice: Client) -> None:
    """The proxy describes itself in a way that Home Assistant takes for a recent ESP32."""
    info = await alice.api.device_info()
    version = alice.api.api_version
    assert version is not None
    assert (version.major, version.minor) == (1, 14)
    assert (info.name, info.mac_address) == ("proxy", "AA:BB:CC:00:00:01")
    assert info.bluetooth_mac_address == "AA:BB:CC:00:00:03"
    assert info.bluetooth_proxy_feature_flags_compat(version) == FEATURES
    assert not info.uses_password
    assert not info.api_encryption_supported
    assert await alice.api.list_entities_services() == ([], [])


async def test_advertisements(alice: Client, device: Echo) -> None:
    """What is on air arrives raw; a connected device is silent, and a beacon never is."""
    beacon = int(BEACON[0].replace(":", ""), 16)
    alice.scan()
    heard = await alice.heard()
    assert heard.keys() == {NUMBER, beacon}
    echo = heard[NUMBER]
    assert (echo.data, echo.rssi, echo.address_type) == (device.advertisement, -60, 1)
    await alice.link()
    assert (await alice.heard()).keys() == {beacon}
    await alice.api.bluetooth_device_disconnect(NUMBER)
    assert (await alice.heard()).keys() == {NUMBER, beacon}


async def test_scanner_state(alice: Client) -> None:
    """The scanner's state comes with the subscription and with every change of its mode."""
    modes: asyncio.Queue[BluetoothScannerMode | None] = asyncio.Queue()
    alice.api.subscribe_bluetooth_scanner_state(lambda state: modes.put_nowait(state.mode))
    alice.scan()
    assert await asyncio.wait_for(modes.get(), 5) is BluetoothScannerMode.ACTIVE
    alice.api.bluetooth_scanner_set_mode(BluetoothScannerMode.PASSIVE)
    assert await asyncio.wait_for(modes.get(), 5) is BluetoothScannerMode.PASSIVE


async def test_round_trip(alice: Client, device: Echo, proxy: VirtualProxy) -> None:
    """Connect, discover, notify, write, read, disconnect."""
    assert await alice.link() == (True, 23, 0)
    assert device.mtu == 23
    assert proxy.links == {ADDRESS}

    table = (await alice.api.bluetooth_gatt_get_services(NUMBER)).services
    assert [(each.uuid, each.handle) for each in table] == [(each.uuid, each.handle) for each in SERVICES]
    (echo,), (label,) = (each.characteristics for each in table)
    assert (echo.uuid, echo.handle, echo.properties) == (SERVICES[0].characteristics[0].uuid, ECHO, 0x1E)
    assert [(each.uuid[:8], each.handle) for each in echo.descriptors] == [("00002902", ECHO + 1)]
    assert (label.uuid, label.descriptors) == (SERVICES[1].characteristics[0].uuid, [])

    await alice.subscribe()
    assert await alice.echo(b"hello") == b"hello"
    assert await alice.api.bluetooth_gatt_read(NUMBER, LABEL) == b"value 11"
    assert await alice.api.bluetooth_gatt_read_descriptor(NUMBER, ECHO + 1) == b"\1\0"
    await alice.api.bluetooth_device_set_connection_params(NUMBER, 6, 6, 0, 400)

    await alice.api.bluetooth_device_disconnect(NUMBER)
    assert not device.connected
    assert proxy.links == frozenset()


async def test_notifications_need_both_switches(alice: Client, device: Echo) -> None:
    """A device is subscribed once the proxy passes on and the descriptor is written, not before."""
    await alice.link()
    stop, _ = await alice.api.bluetooth_gatt_start_notify(NUMBER, ECHO, lambda *_: None)
    assert device.subscribed == set()
    await alice.api.bluetooth_gatt_write_descriptor(NUMBER, ECHO + 1, b"\1\0")
    assert device.subscribed == {ECHO}
    await stop()
    await until(lambda: not device.subscribed)
    await alice.subscribe()
    assert device.subscribed == {ECHO}
    await alice.api.bluetooth_gatt_write_descriptor(NUMBER, ECHO + 1, b"\0\0")
    assert device.subscribed == set()


async def test_write_is_answered_before_the_device_reacts(alice: Client) -> None:
    """The response to a write goes ahead of the notifications that the write brings about."""
    await alice.link()
    await alice.subscribe()
    order: list[Any] = []
    assert alice.api._connection is not None
    kinds = (pb.BluetoothGATTWriteResponse, pb.BluetoothGATTNotifyDataResponse)
    alice.api._connection.add_message_callback(lambda message: order.append(type(message)), kinds)
    await alice.echo(b"one")
    assert order == list(kinds)
    await alice.api.bluetooth_gatt_write(NUMBER, ECHO, b"two", response=False)
    await alice.notifications.get()
    assert order == [*kinds, pb.BluetoothGATTNotifyDataResponse]


async def test_attribute_errors(alice: Client) -> None:
    """What the device or its table refuses is an error to the client, and so is a link that is not."""
    api = alice.api
    with pytest.raises(BluetoothGATTAPIError) as caught:
        await api.bluetooth_gatt_read(NUMBER, LABEL)
    assert caught.value.error.error == -1
    await alice.link()
    with pytest.raises(BluetoothGATTAPIError) as caught:
        await api.bluetooth_gatt_write(NUMBER, ECHO, b"fail", response=True)
    assert (caught.value.error.handle, caught.value.error.error) == (ECHO, 0x85)
    for attempt in (
        api.bluetooth_gatt_read(NUMBER, 99),
        api.bluetooth_gatt_write(NUMBER, ECHO + 1, b"", response=True),
        api.bluetooth_gatt_write_descriptor(NUMBER, ECHO, b"\1\0"),
        api.bluetooth_gatt_start_notify(NUMBER, LABEL, lambda *_: None),
    ):
        with pytest.raises(BluetoothGATTAPIError) as caught:
            await attempt
        assert caught.value.error.error == 0x01


async def test_whole_device_requests(alice: Client) -> None:
    """Pairing wants a link; unpairing and clearing the cache always succeed."""
    assert not (await alice.api.bluetooth_device_pair(NUMBER)).paired
    await alice.link()
    assert (await alice.api.bluetooth_device_pair(NUMBER)).paired
    assert (await alice.api.bluetooth_device_unpair(NUMBER)).success
    assert (await alice.api.bluetooth_device_clear_cache(NUMBER)).success


async def test_out_of_reach(alice: Client, device: Echo, proxy: VirtualProxy) -> None:
    """A device that leaves is no longer heard, loses its link, and cannot be connected."""
    alice.scan()
    await alice.link()
    proxy.out_of_reach.add(ADDRESS)
    assert await alice.state() == (False, 0, 0x08)
    assert not device.connected
    assert NUMBER not in await alice.heard()
    assert await alice.link() == (False, 0, 0x3E)


async def test_without_power(alice: Client, device: Echo) -> None:
    """A device that loses power is as good as gone."""
    alice.scan()
    await alice.link()
    device.is_on = False
    assert await alice.state() == (False, 0, 0x08)
    assert NUMBER not in await alice.heard()
    assert await alice.link() == (False, 0, 0x3E)


async def test_request_finds_the_device_gone(alice: Client, proxy: VirtualProxy) -> None:
    """A request to a device that has just left ends the link instead of reaching the device."""
    proxy.advertise_every = 60
    await alice.link()
    proxy.out_of_reach.add(ADDRESS)
    with pytest.raises(BluetoothConnectionDroppedError, match="8"):
        await alice.api.bluetooth_gatt_read(NUMBER, LABEL)
    assert proxy.links == frozenset()


async def test_connect_waits_for_the_device(alice: Client, device: Echo, proxy: VirtualProxy) -> None:
    """A pending connect succeeds when the device comes back in time."""
    proxy.connect_timeout = 5
    del proxy.peripherals[ADDRESS]
    pending = asyncio.create_task(alice.link())
    await asyncio.sleep(0.05)
    assert not pending.done()
    proxy.peripherals[ADDRESS] = device
    assert await pending == (True, 23, 0)


async def test_held_by_a_phone(alice: Client, device: Echo) -> None:
    """A device that somebody else holds cannot be connected."""
    device.taken_by_phone = True
    assert await alice.link() == (False, 0, 0x3E)


async def test_slots(alice: Client, proxy: VirtualProxy) -> None:
    """Slots are counted, and without one a connect fails at once and without a reason."""
    alice.count_slots()
    await alice.link()
    assert alice.slots == [(3, 3, []), (2, 3, [NUMBER])]
    await alice.api.bluetooth_device_disconnect(NUMBER)
    proxy.take_slots(5)
    assert await alice.link() == (False, 0, 0)
    free, limit, allocated = alice.slots[-1]
    assert (free, limit, len(allocated)) == (0, 3, 3)
    proxy.take_slots(2)
    assert await alice.link() == (True, 23, 0)


@pytest.mark.parametrize("error", [0x08, 0x22])
async def test_link_dropped(alice: Client, device: Echo, proxy: VirtualProxy, error: int) -> None:
    """A dropped link ends with the reason given, and can be made anew."""
    await alice.link()
    proxy.drop_link(ADDRESS, error)
    assert await alice.state() == (False, 0, error)
    assert not device.connected
    assert await alice.link() == (True, 23, 0)


async def test_dropped_by_the_device(alice: Client, proxy: VirtualProxy) -> None:
    """A device that hangs up while it is written to still answers first."""
    await alice.link()
    await alice.api.bluetooth_gatt_write(NUMBER, ECHO, b"bye", response=True)
    assert await alice.state() == (False, 0, 0x13)
    assert proxy.links == frozenset()


async def test_second_client_is_refused(alice: Client, bob: Client, proxy: VirtualProxy) -> None:
    """A device that one client holds is out of reach to another, and the link does not notice."""
    await alice.link()
    await alice.subscribe()
    assert await bob.link() == (False, 0, 0x3E)
    await bob.api.bluetooth_device_disconnect(NUMBER)
    assert proxy.links == {ADDRESS}
    assert await alice.echo(b"still here") == b"still here"
    assert alice.states.empty()


async def test_second_connect_of_one_client(alice: Client, device: Echo, proxy: VirtualProxy) -> None:
    """Two connects for one address have one outcome, and no late error enters the live link."""
    proxy.connect_timeout = 0.5
    device.taken_by_phone = True
    both = [asyncio.create_task(alice.link()) for _ in range(2)]
    await asyncio.sleep(0.05)
    device.taken_by_phone = False
    assert await asyncio.gather(*both) == [(True, 23, 0)] * 2
    await asyncio.sleep(proxy.connect_timeout)
    assert alice.states.empty()
    assert await alice.link() == (True, 23, 0)
    assert proxy.links == {ADDRESS}


async def test_pending_connect_is_withdrawn(alice: Client, device: Echo, proxy: VirtualProxy) -> None:
    """A connect that was called off does not link later."""
    proxy.connect_timeout = 5
    device.taken_by_phone = True
    pending = asyncio.create_task(alice.link())
    await until(lambda: proxy.slots_free == 2)
    await alice.api.bluetooth_device_disconnect(NUMBER)
    assert await pending == (False, 0, 0)
    device.taken_by_phone = False
    await asyncio.sleep(0.05)
    assert not device.connected
    assert proxy.slots_free == 3


async def test_client_gone(port: int, device: Echo, proxy: VirtualProxy) -> None:
    """Links go with the client that made them."""
    async with client(port) as carol:
        await carol.link()
        proxy.kill_client()
        await until(lambda: not device.connected)
    assert proxy.links == frozenset()
    async with client(port) as carol:
        assert await carol.link() == (True, 23, 0)
        await carol.api.disconnect()
        await until(lambda: not device.connected)


async def test_client_gone_while_connecting(port: int, device: Echo, proxy: VirtualProxy) -> None:
    """Nobody is linked to a client that broke off before its connect was through."""
    proxy.connect_timeout = 5
    device.taken_by_phone = True
    async with client(port) as carol:
        pending = asyncio.create_task(carol.link())
        await until(lambda: proxy.slots_free == 2)
    pending.cancel()
    with pytest.raises(APIConnectionError):
        await pending
    await until(lambda: proxy.slots_free == 3)
    device.taken_by_phone = False
    await asyncio.sleep(0.05)
    assert not device.connected


async def test_hang(alice: Client, proxy: VirtualProxy) -> None:
    """A hung proxy says nothing, and catches up when it comes round."""
    alice.scan()
    await alice.link()
    await alice.subscribe()
    proxy.hang()
    with pytest.raises(TimeoutAPIError):
        await alice.api.bluetooth_gatt_write(NUMBER, ECHO, b"late", response=True, timeout=0.1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(alice.heard(), 0.05)
    proxy.resume()
    assert await asyncio.wait_for(alice.notifications.get(), 5) == b"late"
    assert NUMBER not in await alice.heard()


async def test_stop_leaves_nothing(port: int, device: Echo, proxy: VirtualProxy) -> None:
    """After a stop there is no server, no client, no link, and no task."""
    async with client(port) as carol:
        await carol.link()
        await proxy.stop()
        assert not device.connected
        assert proxy.links == frozenset()
        assert proxy.sessions == set()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_restart(port: int, proxy: VirtualProxy) -> None:
    """A proxy comes back on its port, also out of a hang, and serves again."""
    async with client(port) as carol:
        await carol.link()
        proxy.hang()
        assert await proxy.restart() == port
    async with client(port) as carol:
        assert await carol.link() == (True, 23, 0)


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\1\0\0", id="encrypted"),
        pytest.param(b"\0\xff\xff\xff\x7f\1", id="huge length"),
        pytest.param(b"\0\xff\xff\xff\xff\xff", id="endless number"),
        pytest.param(b"\0\2\1\xff\xff", id="broken message"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
    ],
)
async def test_garbage_closes_the_client(port: int, garbage: bytes) -> None:
    """Who does not speak the protocol is shown the door."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(garbage)
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_unknown_message_is_ignored(port: int) -> None:
    """A message from a newer client is passed over, also when it arrives byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for byte in b"\0\2\xff\x7fhi\0\0\7":
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert await asyncio.wait_for(reader.readexactly(3), 5) == b"\0\0\x08"
    writer.close()
    await writer.wait_closed()
