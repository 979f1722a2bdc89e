"""Which advertisement is a 123SmartBMS, and of what kind (protocol.md 1 and 2)."""

import pytest

from custom_components.smartbms.bms import gatt_uuids
from custom_components.smartbms.bms.advertisement import (
    ALBERTRONIC,
    BLUERADIOS,
    BRSP_SERVICE,
    COMPANY_IDS,
    NORDIC_UART_SERVICE,
    RAYTAC,
    SERVICES,
    Advertised,
    parse,
)
from custom_components.smartbms.bms.device import DeviceType, Generation

RECORDED = bytes.fromhex(
    "02010607FF1A0900060D020D093132335C536D617274424D5311079ECADC240EE5A9E093F3A3B50100406E"
)
TUNE_RAYTAC = bytes.fromhex("07FF1A090005506C")
TUNE_BLUERADIOS = bytes.fromhex("07FF8500FF01F040")

NUS = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
BRSP = "da2b84f1-6279-48de-bdc0-afbea0226079"


def received(data: bytes) -> tuple[str | None, dict[int, bytes], list[str]]:
    """Return name, manufacturer data and services of an advertisement, as a scanner reports them."""
    name: str | None = None
    manufacturer_data: dict[int, bytes] = {}
    services: list[str] = []
    while data:
        length, kind, content = data[0], data[1], data[2 : data[0] + 1]
        if kind == 0xFF:
            manufacturer_data[int.from_bytes(content[:2], "little")] = content[2:]
        elif kind == 0x09:
            name = content.decode()
        elif kind == 0x07:
            digits = content[::-1].hex()
            services.append("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
        data = data[length + 1 :]
    return name, manufacturer_data, services


def test_recorded_generation_3() -> None:
    """The recorded BMS is a generation 3 with the Raytac module and serial number 03330."""
    assert received(RECORDED) == ("123\\SmartBMS", {2330: bytes.fromhex("00060D02")}, [NUS])
    advertised = parse(*received(RECORDED))
    assert advertised == Advertised(DeviceType.GEN3_RAYTAC, "03330")
    assert advertised is not None
    assert advertised.title == "123\\SmartBMS 03330"


@pytest.mark.parametrize("data", [TUNE_RAYTAC, TUNE_BLUERADIOS])
def test_recorded_ignition_is_refused(data: bytes) -> None:
    r"""Neither recorded 123\TUNE+ is a BMS, whatever service and name it has."""
    name, manufacturer_data, services = received(data)
    assert len(manufacturer_data) == 1
    assert parse(name, manufacturer_data, services) is None
    assert parse("123\\TUNE+", manufacturer_data, [NUS]) is None
    assert parse("123\\SmartBMS", manufacturer_data, [BRSP]) is None


@pytest.mark.parametrize("company", [133, 1674, 2330])
@pytest.mark.parametrize(
    ("kind", "device_type", "generation"),
    [
        (2, DeviceType.GEN2, Generation.GEN2),
        (4, DeviceType.GEN3_BLUERADIOS, Generation.GEN3),
        (6, DeviceType.GEN3_RAYTAC, Generation.GEN3),
    ],
)
def test_device_types(company: int, kind: int, device_type: DeviceType, generation: Generation) -> None:
    """Types 2, 4 and 6 are a BMS with any of the three company ids; 4 and 6 are generation 3."""
    advertised = parse(None, {company: bytes((0, kind, 0x39, 0xCA))}, [])
    assert advertised == Advertised(device_type, "14794")
    assert device_type.generation is generation


@pytest.mark.parametrize("kind", [0, 1, 3, 5, 7, 15, 255])
@pytest.mark.parametrize("company", [133, 1674, 2330])
def test_other_device_types_are_refused(company: int, kind: int) -> None:
    """Ignitions, OFFGRID and types that nobody has seen are not a BMS."""
    assert parse("123\\SmartBMS", {company: bytes((0, kind, 0, 1))}, [NUS]) is None


@pytest.mark.parametrize(
    ("serial", "text"),
    [("0000", "00000"), ("0001", "00001"), ("0D02", "03330"), ("506C", "20588"), ("FFFF", "65535")],
)
def test_serial_number(serial: str, text: str) -> None:
    """The serial number is big-endian and shown with five digits."""
    assert parse(None, {2330: bytes.fromhex(f"0006{serial}")}, []) == Advertised(DeviceType.GEN3_RAYTAC, text)


@pytest.mark.parametrize("first", [0x00, 0xF0, 0xFF])
def test_unknown_first_byte_does_not_matter(first: int) -> None:
    """Nobody knows what byte 0 means, so it decides nothing."""
    assert parse(None, {133: bytes((first, 2, 0, 7))}, []) == Advertised(DeviceType.GEN2, "00007")


def test_more_bytes_than_known() -> None:
    """Bytes behind the serial number do not matter."""
    assert parse(None, {2330: bytes.fromhex("00060D02AABB")}, []) == Advertised(
        DeviceType.GEN3_RAYTAC, "03330"
    )


@pytest.mark.parametrize("data", ["", "00", "0006", "00060D"])
def test_short_manufacturer_data(data: str) -> None:
    """Fewer than four bytes say nothing: then the name decides, and without one it is not ours."""
    assert parse(None, {2330: bytes.fromhex(data)}, [NUS]) is None
    assert parse("123\\SmartBMS", {2330: bytes.fromhex(data)}, [NUS]) == Advertised()


def test_short_data_of_one_company_does_not_hide_another() -> None:
    """The company id that says enough is the one that counts."""
    assert parse(None, {2330: b"\x00", 133: bytes.fromhex("00040D02")}, []) == Advertised(
        DeviceType.GEN3_BLUERADIOS, "03330"
    )


@pytest.mark.parametrize("name", ["123\\SmartBMS", "123BMS-BLE", "123BMS-BLE 7", "123BMS-BLE-boat"])
@pytest.mark.parametrize("services", [[], [NUS], [BRSP]])
def test_name_alone(name: str, services: list[str]) -> None:
    """The factory name and renamed units are a BMS of a kind not known."""
    advertised = parse(name, {}, services)
    assert advertised == Advertised(None, None)
    assert advertised is not None
    assert advertised.title == "123\\SmartBMS"


@pytest.mark.parametrize("service", [NUS, BRSP, NUS.upper(), BRSP.upper()])
@pytest.mark.parametrize("name", [None, ""])
def test_service_alone(name: str | None, service: str) -> None:
    """Without name and manufacturer data either serial service is enough."""
    assert parse(name, {}, ["0000180f-0000-1000-8000-00805f9b34fb", service]) == Advertised()


@pytest.mark.parametrize(
    ("name", "manufacturer_data", "services"),
    [
        ("Nordic_UART", {}, [NUS]),
        ("123\\TUNE+", {}, [NUS]),
        ("123\\TUNE+", {}, [BRSP]),
        (None, {76: bytes.fromhex("00060D02")}, [NUS]),
        ("My 123\\SmartBMS", {}, []),
        (None, {}, ["0000180f-0000-1000-8000-00805f9b34fb"]),
        (None, {}, []),
        ("", {}, []),
    ],
)
def test_others_are_refused(
    name: str | None, manufacturer_data: dict[int, bytes], services: list[str]
) -> None:
    """The serial services are used by thousands of other devices."""
    assert parse(name, manufacturer_data, services) is None


def test_numbers() -> None:
    """Company ids and services are those of the protocol document."""
    assert COMPANY_IDS == (ALBERTRONIC, RAYTAC, BLUERADIOS) == (0x091A, 0x068A, 0x0085)
    assert {NORDIC_UART_SERVICE, BRSP_SERVICE} == {NUS, BRSP} == SERVICES


@pytest.mark.parametrize(
    ("uuid", "text"),
    [
        (gatt_uuids.NORDIC_RX, "6e400002-b5a3-f393-e0a9-e50e24dcca9e"),
        (gatt_uuids.NORDIC_TX, "6e400003-b5a3-f393-e0a9-e50e24dcca9e"),
        (gatt_uuids.BRSP_INFO, "99564a02-dc01-4d3c-b04e-3bb1ef0571b2"),
        (gatt_uuids.BRSP_MODE, "a87988b9-694c-479c-900e-95dfa6c00a24"),
        (gatt_uuids.BRSP_RX, "bf03260c-7205-4c25-af43-93b1c299d159"),
        (gatt_uuids.BRSP_TX, "18cda784-4bd3-4370-85bb-bfed91ec86af"),
        (gatt_uuids.BRSP_CTS, "0a1934f5-24b8-4f13-9842-37bb167c6aff"),
        (gatt_uuids.BRSP_RTS, "fdd6b4d3-046d-4330-bdec-1fd0c90cb43b"),
    ],
)
def test_characteristics(uuid: str, text: str) -> None:
    """Each characteristic has the UUID of protocol.md 2."""
    assert uuid == text
