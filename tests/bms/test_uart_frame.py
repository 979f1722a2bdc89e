"""The 58-byte frame of EXT OUT against the worked example of protocol.md 8."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.state import (
    CellRecord,
    EnergyRecord,
    PackRecord,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)
from custom_components.smartbms.bms.uart_frame import Frame, decode, encode

EXAMPLE = bytes.fromhex(
    "00 29 40 2B 00 50 2B 00 10 2B 00 40 02 93 07 02 95 03 01 26 01 01 2C 10 05 10 02 94 01 29"
    "03 00 04 D2 00 1F 40 00 02 37 32 00 01 41 00 01 2A 29 30 00 A0 02 44 02 E4 02 A8 D9"
)
MEANING = Frame(
    pack=PackRecord(52.8, 10.0, 8.0, 2.0),
    voltages=VoltageRecord(3.295, 7, 3.305, 3, 3.4),
    temperatures=TemperatureRecord(294, 1, 300, 16),
    cell=CellRecord(5, 16, 3.3, 297, 0x03),
    status=0x03,
    energy=EnergyRecord(1234, 8000, 567, 50),
    totals=TotalsRecord(321, 298, None, None),
    key=16,
    value=0x30,
    capacity=16000,
    v_min=2.9,
    v_max=3.7,
)


def changed(offset: int, data: str) -> bytes:
    """Return the example with other bytes at an offset, and a checksum that agrees."""
    new = bytes.fromhex(data)
    body = EXAMPLE[:offset] + new + EXAMPLE[offset + len(new) : 57]
    return body + bytes((sum(body) % 256,))


def decoded(offset: int, data: str) -> Frame:
    """Return what the changed example says."""
    frame = decode(changed(offset, data))
    assert isinstance(frame, Frame)
    return frame


def test_worked_example() -> None:
    """The worked example means the listed values, and these are sent as the same bytes."""
    assert len(EXAMPLE) == 58
    assert decode(EXAMPLE) == MEANING
    assert encode(MEANING) == EXAMPLE


@pytest.mark.parametrize(
    ("offset", "data", "frame"),
    [
        (0, "0105FF", replace(MEANING, pack=PackRecord(335.355, 10.0, 8.0, 2.0))),
        (3, "2B0100", replace(MEANING, pack=PackRecord(52.8, 32.0, 8.0, 2.0))),
        (3, "2BFFFF", replace(MEANING, pack=PackRecord(52.8, 8191.875, 8.0, 2.0))),
        (6, "2D0001", replace(MEANING, pack=PackRecord(52.8, 10.0, 8.0, -0.125))),
        (9, "2D0040", replace(MEANING, pack=PackRecord(52.8, 10.0, -8.0, 2.0))),
        (12, "0230", replace(MEANING, voltages=VoltageRecord(2.8, 7, 3.305, 3, 3.4))),
        (18, "0114", replace(MEANING, temperatures=TemperatureRecord(276, 1, 300, 16))),
        (31, "00F221", replace(MEANING, energy=EnergyRecord(61985, 8000, 567, 50))),
        (40, "64", replace(MEANING, energy=EnergyRecord(1234, 8000, 567, 100))),
        (41, "640000", replace(MEANING, totals=TotalsRecord(6553600, 298, None, None))),
        (44, "FFFFFF", replace(MEANING, totals=TotalsRecord(321, 16777215, None, None))),
        (47, "1933", replace(MEANING, key=0, value=0x33)),
        (47, "2B02", replace(MEANING, key=18, value=0x02)),
        (49, "FFFF", replace(MEANING, capacity=6553500)),
        (53, "02BC", replace(MEANING, v_max=3.5)),
        (55, "02BC", replace(MEANING, voltages=VoltageRecord(3.295, 7, 3.305, 3, 3.5))),
        (30, "FF", replace(MEANING, status=0xFF, cell=CellRecord(5, 16, 3.3, 297, 0xFF))),
        (24, "FFFF", replace(MEANING, cell=CellRecord(255, 255, 3.3, 297, 3))),
    ],
)
def test_fields(offset: int, data: str, frame: Frame) -> None:
    """Each field stands where the manufacturer's document says, in both directions."""
    assert decoded(offset, data) == frame
    assert encode(frame) == changed(offset, data)


@pytest.mark.parametrize("magnitude", ["0000", "3030", "FFFF"])
def test_absent_sensor(magnitude: str) -> None:
    """With the sign X there is no sensor, whatever the magnitude says."""
    assert decoded(3, f"58{magnitude}").pack == PackRecord(52.8, None, 8.0, 2.0)
    assert decoded(6, f"58{magnitude}").pack == PackRecord(52.8, 10.0, 8.0, None)
    assert decoded(9, f"58{magnitude}").pack == PackRecord(52.8, 10.0, None, 2.0)


def test_absent_sensor_is_sent_as_x() -> None:
    """A current that is not known is sent with the sign X."""
    frame = replace(MEANING, pack=PackRecord(52.8, None, 8.0, None))
    assert encode(frame)[3:12] == b"X\0\0X\0\0+\x00\x40"


@pytest.mark.parametrize("number", ["00", "11", "28", "FF"])
@pytest.mark.parametrize("content", ["02940129", "00000000", "FFFFFFFF"])
def test_cell_beyond_the_pack(number: str, content: str) -> None:
    """Some send more cell slots than there are cells; only that slot is ignored."""
    assert decode(changed(24, f"{number}10{content}")) == replace(MEANING, cell=None)


def test_no_cell_is_sent_as_cell_0() -> None:
    """A frame without a cell keeps everything else."""
    frame = replace(MEANING, cell=None)
    assert encode(frame)[24] == 0
    assert decode(encode(frame)) == frame


@pytest.mark.parametrize("clock", ["0000", "3B17", "1300"])
def test_old_clock(clock: str) -> None:
    """Before firmware 3.3.6 the key is a clock, which one frame alone cannot tell."""
    frame = decoded(47, clock)
    assert (frame.key + 25, frame.value) == tuple(bytes.fromhex(clock))
    assert encode(frame) == changed(47, clock)


def test_wrong_checksum() -> None:
    """One wrong byte is noticed, wherever it is."""
    for offset in range(58):
        data = bytearray(EXAMPLE)
        data[offset] ^= 0x10
        assert decode(bytes(data)) is Rejection.CHECKSUM


@pytest.mark.parametrize("data", [b"", EXAMPLE[:57], EXAMPLE[1:], EXAMPLE + b"\0", EXAMPLE * 2])
def test_wrong_length(data: bytes) -> None:
    """A frame has 58 bytes."""
    assert decode(data) is Rejection.FIELD_COUNT


@pytest.mark.parametrize("offset", [3, 6, 9])
@pytest.mark.parametrize("sign", ["00", "20", "2C", "78", "FF"])
def test_no_sign(offset: int, sign: str) -> None:
    """A current has one of three signs."""
    assert decode(changed(offset, sign)) is Rejection.UNPARSABLE


@pytest.mark.parametrize(
    ("offset", "data"),
    [
        (12, "04B1"),
        (15, "04B1"),
        (26, "04B1"),
        (18, "009A"),
        (18, "01F9"),
        (21, "009A"),
        (21, "01F9"),
        (28, "009A"),
        (28, "01F9"),
        (40, "65"),
        (40, "FF"),
        (24, "0101"),
        (24, "0000"),
    ],
)
def test_implausible(offset: int, data: str) -> None:
    """6.005 V, -100 and 201 degrees, 101 % and a pack of one cell come from something else."""
    assert decode(changed(offset, data)) is Rejection.IMPLAUSIBLE
