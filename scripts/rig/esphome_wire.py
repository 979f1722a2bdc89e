"""The plaintext ESPHome native API on the wire: frames, and Bluetooth notions as message fields."""

from collections.abc import Iterator
from typing import Any, Protocol
from uuid import UUID

from aioesphomeapi import api_pb2
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no stubs

from custom_components.smartbms.simulator.gatt import Characteristic, Property, Service

# The generated classes carry no types, and this is the one name by which they are reached.
pb: Any = api_pb2

NOTIFYING = Property.NOTIFY | Property.INDICATE

# The client's own limits (aioesphomeapi, plain_text.py); a longer frame can only be garbage.
MAX_VARINT_BYTES = 4
MAX_PAYLOAD = 0xFFFF

_CCCD = 0x2902
_BASE_UUID = UUID("00000000-0000-1000-8000-00805f9b34fb").int
_LOW_64 = (1 << 64) - 1
_LOW_96 = (1 << 96) - 1

_NUMBERS = {kind: number for number, kind in MESSAGE_TYPE_TO_PROTO.items()}


class Message(Protocol):
    """A protobuf message, as far as it matters here."""

    def SerializeToString(self) -> bytes:
        """Return the encoded message."""


class WireError(ValueError):
    """What arrived is not the plaintext native API."""


def frame(message: Message) -> bytes:
    """Return a message as it goes over TCP."""
    payload = message.SerializeToString()
    return b"\0" + _varint(len(payload)) + _varint(_NUMBERS[type(message)]) + payload


def messages(buffer: bytearray) -> Iterator[Any]:
    """Take whole messages off the front of a buffer, passing over types unknown here."""
    while (taken := _take_frame(buffer)) is not None:
        number, payload = taken
        if (kind := MESSAGE_TYPE_TO_PROTO.get(number)) is None:
            continue
        try:
            message = kind.FromString(payload)
        except DecodeError as error:
            raise WireError(f"not a {kind.__name__}") from error
        yield message


def address_number(address: str) -> int:
    """Return a Bluetooth address as the API writes it."""
    return int(address.replace(":", ""), 16)


def raw_advertisement(address: str, rssi: int, data: bytes) -> Message:
    """Return one advertisement as heard."""
    number = address_number(address)
    # Random static addresses have their two highest bits set (volume 6, part B, 1.3.2.1).
    message: Message = pb.BluetoothLERawAdvertisement(
        address=number, rssi=rssi, address_type=int(number >> 46 == 0b11), data=data
    )
    return message


def service_message(service: Service) -> Message:
    """Return a service with its characteristics and their descriptors."""
    message: Message = pb.BluetoothGATTService(
        handle=service.handle,
        characteristics=[_characteristic_message(each) for each in service.characteristics],
        **_uuid_fields(service.uuid),
    )
    return message


def _characteristic_message(characteristic: Characteristic) -> Message:
    descriptors = [pb.BluetoothGATTDescriptor(handle=characteristic.handle + 1, short_uuid=_CCCD)]
    message: Message = pb.BluetoothGATTCharacteristic(
        handle=characteristic.handle,
        properties=int(characteristic.properties),
        descriptors=descriptors if characteristic.properties & NOTIFYING else [],
        **_uuid_fields(characteristic.uuid),
    )
    return message


def _uuid_fields(uuid: str) -> dict[str, Any]:
    value = UUID(uuid).int
    if value & _LOW_96 == _BASE_UUID and value >> 96 <= 0xFFFF:
        return {"short_uuid": value >> 96}
    return {"uuid": [value >> 64, value & _LOW_64]}


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _take_varint(buffer: bytearray, start: int) -> tuple[int, int] | None:
    """Return a number and where it ends, or nothing while its end has yet to arrive."""
    value = 0
    encoded = buffer[start : start + MAX_VARINT_BYTES]
    for index, byte in enumerate(encoded):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, start + index + 1
    if len(encoded) == MAX_VARINT_BYTES:
        raise WireError("a number too long")
    return None


def _take_frame(buffer: bytearray) -> tuple[int, bytes] | None:
    """Remove one frame and return its message number and payload."""
    if not buffer:
        return None
    if buffer[0] != 0:
        raise WireError("not plaintext")
    if (length := _take_varint(buffer, 1)) is None:
        return None
    if length[0] > MAX_PAYLOAD:
        raise WireError(f"a message of {length[0]} bytes")
    if (number := _take_varint(buffer, length[1])) is None:
        return None
    start, end = number[1], number[1] + length[0]
    if len(buffer) < end:
        return None
    payload = bytes(buffer[start:end])
    del buffer[:end]
    return number[0], payload
