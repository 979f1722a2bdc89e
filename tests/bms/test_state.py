"""Temperatures, status bits and what follows from the records (protocol.md 7 and 9)."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.state import (
    Cell,
    PackRecord,
    Snapshot,
    Status,
    Status2Bit,
    StatusBit,
    VoltageRecord,
)

APP, DOCUMENT = TemperatureScale.APP, TemperatureScale.DOCUMENT

PACK = Snapshot(
    pack=PackRecord(53.5, 18.5, 16.5, 2.0),
    voltages=VoltageRecord(3.305, 13, 3.335, 15, 3.4),
    cells=(Cell(3.4, 300), Cell(3.405, 300), Cell(3.5, None), Cell(3.2, 297)),
    version_balance_voltage=3.5,
)


@pytest.mark.parametrize(
    ("raw", "app", "document"),
    [
        (0x114, 4.4, 0),
        (0x128, 21.6, 20),
        (0x12C, 25.0, 24),
        (307, 31.0, 31),
        (293, 19.0, 17),
        (299, 24.1, 23),
    ],
)
def test_celsius(raw: int, app: float, document: float) -> None:
    """What the manufacturer's software shows, and what its serial document says."""
    assert APP.celsius(raw) == app
    assert DOCUMENT.celsius(raw) == document
    assert isinstance(DOCUMENT.celsius(raw), float)


def test_celsius_of_a_snapshot() -> None:
    """The owner may choose the other scale; what is not known stays so."""
    assert Snapshot().celsius(0x114) == 4.4
    assert Snapshot(temperature_scale=DOCUMENT).celsius(0x114) == 0.0
    assert Snapshot().celsius(None) is None


@pytest.mark.parametrize(
    ("celsius", "app", "document"), [(0, 271, 276), (10, 282, 286), (45, 323, 321), (80, 364, 356)]
)
def test_raw(celsius: float, app: int, document: int) -> None:
    """A threshold is written as the nearest raw temperature."""
    assert APP.raw(celsius) == app
    assert DOCUMENT.raw(celsius) == document


@pytest.mark.parametrize("scale", list(TemperatureScale))
def test_temperature_round_trip(scale: TemperatureScale) -> None:
    """What was shown is written back as what was read."""
    for raw in range(0x10000):
        assert scale.raw(scale.celsius(raw)) == raw


@pytest.mark.parametrize(
    ("bit", "position"),
    [
        (StatusBit.CHARGE_ALLOWED, 0),
        (StatusBit.DISCHARGE_ALLOWED, 1),
        (StatusBit.COMMUNICATION_ERROR, 2),
        (StatusBit.VOLTAGE_LOW, 3),
        (StatusBit.VOLTAGE_HIGH, 4),
        (StatusBit.TEMPERATURE_LOW, 5),
        (StatusBit.TEMPERATURE_HIGH, 6),
        (StatusBit.NOT_CALIBRATED, 7),
    ],
)
def test_first_status_byte(bit: StatusBit, position: int) -> None:
    """Each bit of status byte 1 stands alone, and byte 2 does not matter to it."""
    for set_bit in range(8):
        assert Status(1 << set_bit, 0xFF).has(bit) is (set_bit == position)
        assert Status(0xFF & ~(1 << set_bit)).has(bit) is (set_bit != position)


@pytest.mark.parametrize(
    ("bit", "position"),
    [
        (Status2Bit.EARLY_WARNING, 1),
        (Status2Bit.BELOW_CHARGE_TEMPERATURE, 2),
        (Status2Bit.BELOW_DISCHARGE_TEMPERATURE, 3),
        (Status2Bit.CHARGE_RELAY_CLOSED, 4),
        (Status2Bit.LOAD_RELAY_CLOSED, 5),
    ],
)
def test_second_status_byte(bit: Status2Bit, position: int) -> None:
    """Each bit of status byte 2 stands alone, and byte 1 does not matter to it."""
    for set_bit in range(8):
        assert Status(0xFF, 1 << set_bit).has(bit) is (set_bit == position)
        assert Status(0, 0xFF & ~(1 << set_bit)).has(bit) is (set_bit != position)


def test_unknown_status() -> None:
    """A byte that was never heard says neither yes nor no."""
    assert Status().has(StatusBit.CHARGE_ALLOWED) is None
    assert Status(0x03).has(StatusBit.CHARGE_ALLOWED) is True
    assert Status(0x03).has(Status2Bit.CHARGE_RELAY_CLOSED) is None
    assert Status(None, 0x10).has(Status2Bit.CHARGE_RELAY_CLOSED) is True
    assert Status(None, 0x10).has(StatusBit.CHARGE_ALLOWED) is None


def test_nothing_known() -> None:
    """A BMS that has said nothing has no values, rather than zeros."""
    empty = Snapshot()
    assert empty.cell_voltages == []
    assert empty.average_cell_voltage is None
    assert empty.cell_voltage_spread is None
    assert empty.balance_voltage is None
    assert empty.balancing_count is None
    assert empty.power(1.0) is None
    assert empty.settings == {}


def test_average() -> None:
    """The mean needs every cell."""
    assert PACK.cell_voltages == [3.4, 3.405, 3.5, 3.2]
    assert PACK.average_cell_voltage == pytest.approx(3.37625)
    missing = replace(PACK, cells=(*PACK.cells, Cell()))
    assert missing.cell_voltages == [3.4, 3.405, 3.5, 3.2]
    assert missing.average_cell_voltage is None


def test_average_of_dead_cells() -> None:
    """0 V is a voltage."""
    assert Snapshot(cells=(Cell(0.0), Cell(0.0))).average_cell_voltage == 0


@pytest.mark.parametrize(
    ("voltages", "spread"),
    [
        (VoltageRecord(3.305, 13, 3.335, 15, 3.4), 0.03),
        (VoltageRecord(0.0, 13, 3.335, 15, 3.4), 3.335),
        (VoltageRecord(0.0, 13, 0.0, 15, 3.4), 0),
        (VoltageRecord(None, None, 3.335, 15, 3.4), None),
        (VoltageRecord(3.305, 13, None, None, 3.4), None),
        (None, None),
    ],
)
def test_spread(voltages: VoltageRecord | None, spread: float | None) -> None:
    """The spread comes from both extremes that the BMS reports."""
    found = replace(PACK, voltages=voltages).cell_voltage_spread
    assert found == (None if spread is None else pytest.approx(spread))


@pytest.mark.parametrize(
    ("streamed", "asked", "balance"),
    [(3.4, 3.5, 3.4), (None, 3.5, 3.5), (3.4, None, 3.4), (None, None, None)],
)
def test_balance_voltage(streamed: float | None, asked: float | None, balance: float | None) -> None:
    """The stream is newer than the answer to `V@`, DIP switches being changed while it runs."""
    voltages = VoltageRecord(3.305, 13, 3.335, 15, streamed)
    assert replace(PACK, voltages=voltages, version_balance_voltage=asked).balance_voltage == balance


def test_balance_voltage_without_stream() -> None:
    """Before the first record `V@` is all there is."""
    assert Snapshot(version_balance_voltage=3.5).balance_voltage == 3.5


def test_balancing() -> None:
    """A cell above the balance voltage is balanced; one exactly at it is not."""
    assert [PACK.balancing(index) for index in range(4)] == [False, True, True, False]
    assert PACK.balancing_count == 2
    assert replace(PACK, cells=PACK.cells[:1]).balancing_count == 0


def test_balancing_unknown() -> None:
    """Without balance voltage, or while a cell is missing, the number is not known."""
    unknown = replace(PACK, voltages=None, version_balance_voltage=None)
    assert unknown.balancing(1) is None
    assert unknown.balancing_count is None
    missing = replace(PACK, cells=(*PACK.cells, Cell(None, 300)))
    assert missing.balancing(1) is True
    assert missing.balancing(4) is None
    assert missing.balancing_count is None


@pytest.mark.parametrize(
    ("voltage", "current", "power"),
    [
        (53.5, 18.5, 989.75),
        (53.5, 16.5, 882.75),
        (53.5, 2.0, 107.0),
        (53.5, -2.0, -107.0),
        (53.5, 0.0, 0.0),
        (0.0, 2.0, 0.0),
        (53.5, None, None),
        (None, 2.0, None),
    ],
)
def test_power(voltage: float | None, current: float | None, power: float | None) -> None:
    """The example of the manual: 53.5 V and 18.5, 16.5 and 2.0 A."""
    assert replace(PACK, pack=PackRecord(voltage, None, None, None)).power(current) == power
