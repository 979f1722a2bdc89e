"""The radio modules of the simulated BMS: tables, advertisement, packets (protocol.md 1 and 2)."""

from dataclasses import dataclass, field

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.gatt import Property
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from tests.simulated import ADDRESS, Clock, peripheral, still_firmware

GEN2, GEN3_BLUERADIOS, GEN3 = DeviceType.GEN2, DeviceType.GEN3_BLUERADIOS, DeviceType.GEN3_RAYTAC


@dataclass
class Phone:
    """A central that remembers what it was told."""

    heard: list[tuple[int, bytes]] = field(default_factory=list)
    drops: int = 0

    def notified(self, handle: int, data: bytes) -> None:
        """Remember a notification."""
        self.heard.append((handle, data))

    def dropped(self) -> None:
        """Count a lost connection."""
        self.drops += 1

    def text(self) -> bytes:
        """Return all bytes and forget them."""
        data = b"".join(data for _, data in self.heard)
        self.heard.clear()
        return data


@pytest.fixture
def phone() -> Phone:
    """Return a central."""
    return Phone()


def table(device: BmsPeripheral) -> list[tuple[int, str, list[tuple[int, str, int]]]]:
    """Return the service table as plain values."""
    return [
        (
            service.handle,
            service.uuid[:8],
            [(char.handle, char.uuid[:8], int(char.properties)) for char in service.characteristics],
        )
        for service in device.services
    ]


def handle_of(device: BmsPeripheral, uuid: str) -> int:
    """Return the handle of the characteristic whose UUID begins so."""
    return next(
        char.handle
        for service in device.services
        for char in service.characteristics
        if char.uuid.startswith(uuid)
    )


def test_nordic_table(clock: Clock) -> None:
    """Raytac: RX takes both kinds of write, TX notifies."""
    any_write = Property.WRITE | Property.WRITE_WITHOUT_RESPONSE
    assert table(peripheral(clock, GEN3)) == [
        (1, "0000180f", [(3, "00002a19", Property.READ)]),
        (5, "6e400001", [(7, "6e400002", any_write), (10, "6e400003", Property.NOTIFY)]),
    ]


@pytest.mark.parametrize("device_type", [GEN2, GEN3_BLUERADIOS])
def test_brsp_table(clock: Clock, device_type: DeviceType) -> None:
    """BlueRadios, in either generation: TX and RTS indicate."""
    assert table(peripheral(clock, device_type)) == [
        (1, "0000180f", [(3, "00002a19", 0x02)]),
        (
            5,
            "da2b84f1",
            [
                (7, "99564a02", 0x02),
                (10, "a87988b9", 0x0A),
                (13, "bf03260c", 0x0C),
                (16, "18cda784", 0x20),
                (19, "0a1934f5", 0x08),
                (22, "fdd6b4d3", 0x20),
            ],
        ),
    ]


def test_advertisement_as_recorded(clock: Clock) -> None:
    """The 43 bytes recorded of a generation 3 unit with serial number 3330."""
    assert peripheral(clock, GEN3).advertisement == (
        bytes.fromhex("02 01 06  07 FF 1A 09 00 06 0D 02  0D 09")
        + b"123\\SmartBMS"
        + bytes.fromhex("11 07 9E CA DC 24 0E E5 A9 E0 93 F3 A3 B5 01 00 40 6E")
    )


@pytest.mark.parametrize(
    ("device_type", "manufacturer"),
    [(GEN2, "07 FF 85 00 00 02 0D 02"), (GEN3_BLUERADIOS, "07 FF 85 00 00 04 0D 02")],
)
def test_advertisement_of_blueradios(clock: Clock, device_type: DeviceType, manufacturer: str) -> None:
    """BlueRadios advertises its own company id and service."""
    assert peripheral(clock, device_type).advertisement == (
        bytes.fromhex("02 01 06" + manufacturer + "0D 09")
        + b"123\\SmartBMS"
        + bytes.fromhex("11 07 79 60 22 A0 BE AF C0 BD DE 48 79 62 F1 84 2B DA")
    )


def test_advertisement_of_others(clock: Clock) -> None:
    r"""A renamed BMS, and the ignition 123\TUNE+ with its type 5, on the same module."""
    firmware = still_firmware(clock)
    renamed = BmsPeripheral(firmware, ADDRESS, 65535, name="123BMS-BLE1")
    assert renamed.advertisement[3:24] == bytes.fromhex("07FF1A090006FFFF0C09") + b"123BMS-BLE1"
    ignition = BmsPeripheral(firmware, ADDRESS, 20588, name="123\\TUNE+", advertised_type=5)
    assert ignition.advertisement[3:11] == bytes.fromhex("07FF1A090005506C")


def test_packets_of_twenty_bytes(clock: Clock, phone: Phone) -> None:
    """At the smallest MTU lines are cut after 20 bytes, wherever that is."""
    device = peripheral(clock)
    device.connect(phone)
    device.subscribe(10, enabled=True)
    device.write(7, b"S2@\r$")
    assert phone.heard == [
        (10, b"S2@\r244_2E4_111_155_"),
        (10, b"5F_05_103_258_294_0A"),
        (10, b"_05_FB\r"),
    ]


def test_a_larger_mtu(clock: Clock, phone: Phone) -> None:
    """Notifications carry three bytes less than the MTU."""
    device = peripheral(clock)
    device.connect(phone, mtu=43)
    device.subscribe(10, enabled=True)
    device.write(7, b"S2@\r$")
    assert [len(data) for _, data in phone.heard] == [40, 7]


def test_nothing_without_subscription(clock: Clock, phone: Phone) -> None:
    """Who has not subscribed, or no longer is, hears nothing."""
    device = peripheral(clock)
    device.connect(phone)
    device.write(7, b"V@\r")
    device.subscribe(10, enabled=True)
    device.subscribe(10, enabled=False)
    device.write(7, b"V@\r")
    assert phone.heard == []
    device.subscribe(10, enabled=True)
    device.write(7, b"$")
    assert phone.heard == []


def test_brsp_needs_its_mode(clock: Clock, phone: Phone) -> None:
    """Bytes pass in mode 1 only; the mode is idle again with every connection."""
    device = peripheral(clock, GEN2)
    device.connect(phone)
    device.subscribe(16, enabled=True)
    device.write(13, b"\r")
    assert (phone.text(), device.read(10)) == (b"", b"\x00")
    for mode, heard in ((b"\x02", b""), (b"", b""), (b"\x01", b"\r")):
        device.write(10, mode)
        device.write(13, b"\r")
        assert (phone.text(), device.read(10)) == (heard, mode or b"\x00")
    device.disconnect()
    device.connect(phone)
    device.subscribe(16, enabled=True)
    device.write(13, b"\r")
    assert phone.text() == b""


def test_reading(clock: Clock) -> None:
    """The info is the recorded one, the battery level is full."""
    device = peripheral(clock, GEN2)
    assert device.read(7) == bytes.fromhex("03000218001A001C001D001F0021002200")
    assert device.read(3) == b"\x64"


def test_flow_control(clock: Clock, phone: Phone) -> None:
    """RTS says zero on subscription, one to hold, zero to go on, and only to who listens."""
    device = peripheral(clock, GEN2)
    device.hold(True)
    device.hold(False)
    device.connect(phone)
    device.hold(True)
    assert phone.heard == []
    device.subscribe(22, enabled=True)
    device.hold(False)
    assert phone.heard == [(22, b"\x01"), (22, b"\x00")]


def test_nordic_has_no_flow_control(clock: Clock, phone: Phone) -> None:
    """Holding means nothing on the other module, and a write elsewhere nothing on either."""
    device = peripheral(clock)
    device.connect(phone)
    device.hold(True)
    device.subscribe(10, enabled=True)
    device.write(3, b"V@\r")
    assert phone.heard == []


def test_one_connection_only(clock: Clock, phone: Phone) -> None:
    """While one central is connected nobody else gets in, and the first one stays."""
    device = peripheral(clock)
    states = [device.connected]
    device.connect(phone)
    states.append(device.connected)
    with pytest.raises(ConnectionRefusedError):
        device.connect(Phone())
    device.subscribe(10, enabled=True)
    device.write(7, b"\r")
    assert phone.text() == b"\r"
    device.disconnect()
    states.append(device.connected)
    device.connect(Phone())
    assert states == [False, True, False]


def test_drop(clock: Clock, phone: Phone) -> None:
    """When the power fails the central learns it, once."""
    device = peripheral(clock)
    device.drop()
    device.connect(phone)
    device.drop()
    device.drop()
    assert phone.drops == 1
    assert not device.connected


def test_without_power_there_is_nobody(clock: Clock, phone: Phone) -> None:
    """Nothing advertises, nothing can be connected; back it is as before."""
    device = peripheral(clock)
    device.firmware.power_off()
    states = [device.is_on]
    with pytest.raises(ConnectionRefusedError):
        device.connect(phone)
    device.firmware.power_on()
    states.append(device.is_on)
    device.connect(phone)
    assert states == [False, True]
    assert device.connected


def test_a_connection_to_nobody(clock: Clock, phone: Phone) -> None:
    """When the power fails the connection ends with the next byte, and nothing is answered."""
    device = peripheral(clock)
    device.connect(phone)
    device.subscribe(10, enabled=True)
    device.firmware.power_off()
    device.write(7, b"V@\r")
    assert (phone.drops, phone.heard, device.connected) == (1, [], False)


def test_a_drop_in_the_middle_of_an_answer(clock: Clock) -> None:
    """What had not been sent when the connection ended is not sent."""

    class Hasty(Phone):
        def notified(self, handle: int, data: bytes) -> None:
            super().notified(handle, data)
            device.disconnect()

    device, hasty = peripheral(clock), Hasty()
    device.connect(hasty)
    device.subscribe(10, enabled=True)
    device.write(7, b"S2@\r")
    assert len(hasty.heard) == 1


def test_a_connection_is_a_new_client(clock: Clock, phone: Phone) -> None:
    """Every connection has to give the PIN again."""
    device = BmsPeripheral(
        Firmware(still_firmware(clock).battery, GEN3, clock, requires_pin=True), ADDRESS, 3330
    )
    for _ in range(2):
        device.connect(phone)
        device.subscribe(handle_of(device, "6e400003"), enabled=True)
        device.write(handle_of(device, "6e400002"), b"D!\rPW1234!\rD!\r")
        assert phone.text() == b"D!\rNA\rPW1234!\rOK\rD!\rOK\r"
        device.disconnect()
