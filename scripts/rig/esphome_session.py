"""One client of a virtual proxy: its requests, and the links that it made."""

import asyncio
from collections.abc import Callable
import logging
from typing import TYPE_CHECKING, Any, cast

from aioesphomeapi import BluetoothDeviceRequestType, BluetoothScannerMode, BluetoothScannerState
from aioesphomeapi.core import wifi_mac_to_bluetooth_mac

from .esphome_link import ENDED_BY_HOST, FAILED_TO_ESTABLISH, LINK_TIMEOUT, InvalidHandleError, Link
from .esphome_wire import Message, WireError, frame, messages, pb, service_message

if TYPE_CHECKING:
    from .proxy import VirtualProxy

_LOGGER = logging.getLogger(__name__)

# Errors as an ESP32 gives them; the first is ESPHome's own.
NOT_CONNECTED = -1
INVALID_HANDLE = 0x01
GATT_ERROR = 0x85

# Passive scan, active connections, remote caching, pairing, cache clearing, raw advertisements,
# scanner state and mode (aioesphomeapi's BluetoothProxyFeature).
FEATURES = 0x7F


class Session(asyncio.Protocol):
    """One API client with the links it made."""

    def __init__(self, proxy: VirtualProxy) -> None:
        """Serve a client of this proxy."""
        self.proxy = proxy
        self.scanning = False
        self.counting_slots = False
        self.links: dict[int, Link] = {}
        self.attempts: dict[int, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()
        self._inbox = bytearray()
        self._outbox: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the proxy's sessions."""
        self._transport = cast(asyncio.Transport, transport)
        self.proxy.sessions.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up everything held for the client that went away."""
        self.proxy.sessions.discard(self)
        for attempt in self.attempts.values():
            attempt.cancel()
        self.attempts.clear()
        for link in list(self.links.values()):
            self.release(link, ENDED_BY_HOST)
        self.proxy.slots_changed()

    def data_received(self, data: bytes) -> None:
        """Take bytes, whole messages or not."""
        self._inbox += data
        self.catch_up()

    def catch_up(self) -> None:
        """Handle what has come in and send what has to go out, unless the proxy hangs."""
        if self.proxy.hung:
            return
        try:
            for message in messages(self._inbox):
                if self._transport.is_closing():
                    return
                HANDLERS.get(type(message), _ignore)(self, message)
        except WireError as error:
            _LOGGER.debug("%s closes a client: %s", self.proxy.name, error)
            self._transport.abort()
        self._flush()

    def send(self, message: Message, position: int | None = None) -> None:
        """Send a message, if wanted ahead of others that have yet to leave."""
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.insert(len(self._outbox) if position is None else position, frame(message))

    def _flush(self) -> None:
        if self._outbox and not self.proxy.hung and not self._transport.is_closing():
            self._transport.write(b"".join(self._outbox))
            self._outbox.clear()

    # Links

    def connect(self, address: int) -> None:
        """Link to a peripheral, waiting a while for one that is not there."""
        if address in self.links:
            self._report(address, connected=True)
        elif address in self.attempts:
            # The answer to the first request is the answer to this one too. One of its own could be
            # an error which arrives when the first has long become a live link.
            return
        elif not self.proxy.slots_free:
            self._report(address)
        else:
            self.attempts[address] = self._loop.call_later(self.proxy.connect_timeout, self._give_up, address)
            self.proxy.slots_changed()
            self.retry(address)

    def retry(self, address: int) -> None:
        """Complete a pending connect if its peripheral can be had by now."""
        if (peripheral := self.proxy.connectable(address)) is not None:
            self.attempts.pop(address).cancel()
            self.links[address] = link = Link(self, peripheral)
            self._report(address, connected=True)
            peripheral.connect(link, self.proxy.mtu)

    def disconnect(self, address: int) -> None:
        """End a link or a pending connect."""
        if (link := self.links.get(address)) is not None:
            self.release(link, ENDED_BY_HOST)
            return
        self._report(address)
        if (attempt := self.attempts.pop(address, None)) is not None:
            attempt.cancel()
            self.proxy.slots_changed()

    def release(self, link: Link, error: int) -> None:
        """End a link from this side."""
        self.forget(link, error)
        link.peripheral.disconnect()

    def forget(self, link: Link, error: int) -> None:
        """Note the end of a link and tell the client why."""
        del self.links[link.address]
        self._report(link.address, error=error)
        self.proxy.slots_changed()

    def _give_up(self, address: int) -> None:
        del self.attempts[address]
        self._report(address, error=FAILED_TO_ESTABLISH)
        self.proxy.slots_changed()

    def _report(self, address: int, *, connected: bool = False, error: int = 0) -> None:
        mtu = self.proxy.mtu if connected else 0
        self.send(
            pb.BluetoothDeviceConnectionResponse(address=address, connected=connected, mtu=mtu, error=error)
        )

    def pair(self, address: int) -> None:
        """Say that a linked peripheral is paired."""
        linked = address in self.links
        error = 0 if linked else NOT_CONNECTED
        self.send(pb.BluetoothDevicePairingResponse(address=address, paired=linked, error=error))

    def unpair(self, address: int) -> None:
        """Say that a peripheral is paired no longer."""
        self.send(pb.BluetoothDeviceUnpairingResponse(address=address, success=True))

    def clear_cache(self, address: int) -> None:
        """Say that nothing about a peripheral is remembered."""
        self.send(pb.BluetoothDeviceClearCacheResponse(address=address, success=True))

    # Messages

    def greet(self, request: Any) -> None:
        """Answer the first message of a client."""
        name = self.proxy.name
        self.send(pb.HelloResponse(api_version_major=1, api_version_minor=14, server_info=name, name=name))

    def introduce(self, request: Any) -> None:
        """Describe the proxy."""
        self.send(
            pb.DeviceInfoResponse(
                name=self.proxy.name,
                friendly_name=self.proxy.name,
                mac_address=self.proxy.mac,
                bluetooth_mac_address=wifi_mac_to_bluetooth_mac(self.proxy.mac),
                esphome_version="2026.9.0",
                compilation_time="Sep  1 2026, 12:00:00",
                manufacturer="Espressif",
                model="esp32dev",
                bluetooth_proxy_feature_flags=FEATURES,
            )
        )

    def leave(self, request: Any) -> None:
        """Part with a client that says goodbye."""
        self.send(pb.DisconnectResponse())
        self._flush()
        self._transport.close()

    def listen(self, request: Any) -> None:
        """Begin to pass on advertisements."""
        self.scanning = True
        self._report_scanner()

    def cease_listening(self, request: Any) -> None:
        """Pass on no more advertisements."""
        self.scanning = False

    def set_scanner_mode(self, request: Any) -> None:
        """Switch between passive and active scanning, which only the answer shows."""
        self.proxy.scanner_mode = request.mode
        self._report_scanner()

    def _report_scanner(self) -> None:
        self.send(
            pb.BluetoothScannerStateResponse(
                state=BluetoothScannerState.RUNNING,
                mode=self.proxy.scanner_mode,
                configured_mode=BluetoothScannerMode.ACTIVE,
            )
        )

    def count_slots(self, request: Any) -> None:
        """Tell the free slots, now and at every change."""
        self.counting_slots = True
        self.send(self.proxy.slots_message())

    def device_request(self, request: Any) -> None:
        """Do what is asked about a whole device."""
        if (handler := DEVICE_HANDLERS.get(request.request_type)) is not None:
            handler(self, request.address)

    def list_services(self, request: Any) -> None:
        """Send the service table."""
        if (link := self._reach(request)) is None:
            return
        for service in link.peripheral.services:
            self.send(
                pb.BluetoothGATTGetServicesResponse(
                    address=request.address, services=[service_message(service)]
                )
            )
        self.send(pb.BluetoothGATTGetServicesDoneResponse(address=request.address))

    def set_connection_params(self, request: Any) -> None:
        """Accept connection intervals that no radio will keep."""
        self.send(pb.BluetoothSetConnectionParamsResponse(address=request.address, error=0))

    def access_attribute(self, request: Any) -> None:
        """Read or write an attribute, or say why not."""
        if (link := self._reach(request)) is None:
            return
        action, answer = ATTRIBUTE_HANDLERS[type(request)]
        # On air the answer goes ahead of the notifications which the access brings about.
        position = len(self._outbox)
        try:
            fields = action(link, request)
        except InvalidHandleError:
            self._refuse(request, INVALID_HANDLE, position)
        except OSError:
            self._refuse(request, GATT_ERROR, position)
        else:
            if fields is not None:
                self.send(answer(address=request.address, handle=request.handle, **fields), position)

    def _reach(self, request: Any) -> Link | None:
        """Return the link that a request is about, having answered it if there is none."""
        if (link := self.links.get(request.address)) is None:
            self._refuse(request, NOT_CONNECTED)
        elif not self.proxy.in_reach(link.peripheral):
            self.release(link, LINK_TIMEOUT)
        else:
            return link
        return None

    def _refuse(self, request: Any, error: int, position: int | None = None) -> None:
        handle = getattr(request, "handle", 0)
        self.send(
            pb.BluetoothGATTErrorResponse(address=request.address, handle=handle, error=error), position
        )


type Handler = Callable[[Session, Any], None]


def _answer(kind: Any) -> Handler:
    """Return the handler of a request whose answer is always the same."""
    return lambda session, request: session.send(kind())


def _ignore(session: Session, request: Any) -> None:
    """Let a request pass that wants no answer."""


HANDLERS: dict[Any, Handler] = {
    pb.HelloRequest: Session.greet,
    pb.AuthenticationRequest: _answer(pb.AuthenticationResponse),
    pb.DeviceInfoRequest: Session.introduce,
    pb.ListEntitiesRequest: _answer(pb.ListEntitiesDoneResponse),
    pb.PingRequest: _answer(pb.PingResponse),
    pb.DisconnectRequest: Session.leave,
    pb.SubscribeBluetoothLEAdvertisementsRequest: Session.listen,
    pb.UnsubscribeBluetoothLEAdvertisementsRequest: Session.cease_listening,
    pb.BluetoothScannerSetModeRequest: Session.set_scanner_mode,
    pb.SubscribeBluetoothConnectionsFreeRequest: Session.count_slots,
    pb.BluetoothDeviceRequest: Session.device_request,
    pb.BluetoothSetConnectionParamsRequest: Session.set_connection_params,
    pb.BluetoothGATTGetServicesRequest: Session.list_services,
    pb.BluetoothGATTReadRequest: Session.access_attribute,
    pb.BluetoothGATTReadDescriptorRequest: Session.access_attribute,
    pb.BluetoothGATTWriteRequest: Session.access_attribute,
    pb.BluetoothGATTWriteDescriptorRequest: Session.access_attribute,
    pb.BluetoothGATTNotifyRequest: Session.access_attribute,
}

DEVICE_HANDLERS: dict[int, Callable[[Session, int], None]] = {
    BluetoothDeviceRequestType.CONNECT_V3_WITH_CACHE: Session.connect,
    BluetoothDeviceRequestType.CONNECT_V3_WITHOUT_CACHE: Session.connect,
    BluetoothDeviceRequestType.DISCONNECT: Session.disconnect,
    BluetoothDeviceRequestType.PAIR: Session.pair,
    BluetoothDeviceRequestType.UNPAIR: Session.unpair,
    BluetoothDeviceRequestType.CLEAR_CACHE: Session.clear_cache,
}

ATTRIBUTE_HANDLERS: dict[Any, tuple[Callable[[Link, Any], dict[str, Any] | None], Any]] = {
    pb.BluetoothGATTReadRequest: (Link.read, pb.BluetoothGATTReadResponse),
    pb.BluetoothGATTReadDescriptorRequest: (Link.read_descriptor, pb.BluetoothGATTReadResponse),
    pb.BluetoothGATTWriteRequest: (Link.write, pb.BluetoothGATTWriteResponse),
    pb.BluetoothGATTWriteDescriptorRequest: (Link.write_descriptor, pb.BluetoothGATTWriteResponse),
    pb.BluetoothGATTNotifyRequest: (Link.notify, pb.BluetoothGATTNotifyResponse),
}
