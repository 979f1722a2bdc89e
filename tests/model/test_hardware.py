"""Option switches both ways, and what the current sensors can do, as the manuals print it."""

from itertools import product

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.model.hardware import (
    GEN2_SENSORS,
    BeginBoard,
    HiddenSettings,
    InBoard,
    Sensor,
    begin_board_switches,
    dual_range_sensor,
    sensor_of,
)
from custom_components.smartbms.model.profiles import ProfileKey


def switches(text: str) -> tuple[bool, ...]:
    """Return switches from a row of the manual: 1 is ON."""
    return tuple(each == "1" for each in text.replace(" ", ""))


@pytest.mark.parametrize(
    ("row", "volts"),
    [
        ("0000000", 3.4),
        ("0000001", 3.5),
        ("0000010", 3.6),
        ("0000011", 3.7),
        ("0100000", 4.0),
        ("0100001", 4.1),
        ("0100010", 4.2),
        ("0100011", 4.3),
    ],
)
def test_bypass_voltage_of_generation_2(row: str, volts: float) -> None:
    """Switches 2, 6 and 7."""
    assert InBoard.of(switches(row)) == InBoard(bypass_voltage=volts)
    assert InBoard(bypass_voltage=volts).switches == switches(row)


@pytest.mark.parametrize(
    ("row", "board"),
    [
        ("1000000", InBoard(bypass_voltage=3.4, fast_messages=True)),
        ("0010000", InBoard(bypass_voltage=3.4, deadband=True)),
        ("0001000", InBoard(bypass_voltage=3.4, auto_zero=True)),
        ("0000100", InBoard(bypass_voltage=3.4, critical_mode=True)),
    ],
)
def test_switches_of_generation_2(row: str, board: InBoard) -> None:
    """Messages every 0.5 s, the blind spot, auto zero and critical mode are a switch each."""
    assert InBoard.of(switches(row)) == board
    assert board.switches == switches(row)


def test_every_position_of_the_in_board() -> None:
    """What the switches say is set by the same switches."""
    for row in product((False, True), repeat=7):
        assert InBoard.of(row).switches == row


def test_a_bypass_voltage_that_cannot_be_set() -> None:
    """There is nothing between 3.7 and 4.0 V."""
    assert InBoard(bypass_voltage=3.8).switches is None


@pytest.mark.parametrize(
    ("row", "sensor", "cells"),
    [
        ("000 0000", 25, 4),
        ("001 0001", 50, 8),
        ("010 0010", 100, 12),
        ("011 0011", 250, 16),
        ("100 0100", 400, 20),
        ("101 0101", 500, 24),
        ("110 0110", 1000, 28),
        ("111 0111", 2000, 32),
        ("000 1000", 25, 48),
        ("000 1001", 25, 64),
        ("000 1010", 25, 80),
        ("000 1011", 25, 96),
        ("000 1100", 25, 128),
        ("000 1101", 25, 156),
        ("000 1110", 25, 204),
        ("000 1111", 25, 255),
    ],
)
def test_hidden_settings_of_generation_2(row: str, sensor: int, cells: int) -> None:
    """Sensor and number of cells, stored by switch 8."""
    assert HiddenSettings.of(switches(row)) == HiddenSettings(sensor, cells)
    assert HiddenSettings(sensor, cells).switches == switches(row)


def test_every_position_of_the_hidden_settings() -> None:
    """What the switches store is stored by the same switches."""
    for row in product((False, True), repeat=7):
        assert HiddenSettings.of(row).switches == row


def test_a_number_of_cells_between_two() -> None:
    """The next higher value of the list is taken, without any drawbacks."""
    assert HiddenSettings(100, 15).switches == switches("010 0011")
    assert HiddenSettings(100, 2).switches == switches("010 0000")


@pytest.mark.parametrize(
    "settings", [HiddenSettings(100, 256), HiddenSettings(100, 1), HiddenSettings(125, 16)]
)
def test_hidden_settings_that_there_are_not(settings: HiddenSettings) -> None:
    """More than 255 cells, less than 2, a sensor that is in no list."""
    assert settings.switches is None


@pytest.mark.parametrize(
    ("row", "fewest", "most"),
    [
        ("000", 2, 4),
        ("001", 5, 8),
        ("010", 9, 16),
        ("011", 17, 25),
        ("100", 26, 40),
        ("101", 41, 80),
        ("110", 81, 150),
        ("111", 151, 255),
    ],
)
def test_cells_of_the_begin_board(row: str, fewest: int, most: int) -> None:
    """Switches 1 to 3, from either end of the range."""
    assert BeginBoard.of(switches(row + "10000")) == BeginBoard(fewest, most, 3.4)
    assert begin_board_switches(fewest, 3.4) == begin_board_switches(most, 3.4) == switches(row + "10000")


@pytest.mark.parametrize(
    ("row", "volts"),
    [
        ("00000", None),
        ("00001", 1.9),
        ("00111", 2.5),
        ("01000", 2.6),
        ("01111", 3.3),
        ("10000", 3.4),
        ("10110", 4.0),
        ("10111", 4.1),
        ("11111", 4.9),
    ],
)
def test_balance_voltage_of_the_begin_board(row: str, volts: float | None) -> None:
    """Switches 4 to 8: none, LTO, LiFePO4, NMC and the ends of the table."""
    assert BeginBoard.of(switches("010" + row)).balance_voltage == volts
    assert begin_board_switches(16, volts) == switches("010" + row)


def test_every_position_of_the_begin_board() -> None:
    """What the switches say is set by the same switches."""
    for row in product((False, True), repeat=8):
        assert BeginBoard.of(row).switches == row


@pytest.mark.parametrize(("cells", "volts"), [(1, 3.4), (256, 3.4), (16, 3.45), (16, 1.8), (16, 5.0)])
def test_what_the_begin_board_cannot_be_set_to(cells: int, volts: float) -> None:
    """Too few cells, too many, and voltages that are not in the table."""
    assert begin_board_switches(cells, volts) is None


@pytest.mark.parametrize(
    ("amperes", "resolution", "deadband"),
    [
        (25, 0.125, 0.25),
        (50, 0.25, 0.5),
        (100, 0.5, 1.25),
        (250, 1.25, 2.5),
        (500, 2.5, 5),
        (1000, 5, 10),
        (2000, 10, 20),
    ],
)
def test_sensors_of_generation_2(amperes: int, resolution: float, deadband: float) -> None:
    """Resolution and blind spot of every row."""
    assert GEN2_SENSORS[amperes] == Sensor(amperes, resolution, deadband)


def test_a_sensor_without_a_row() -> None:
    """The switches know 400 A, the table of sensors does not."""
    assert 400 not in GEN2_SENSORS


@pytest.mark.parametrize(
    ("loops", "code", "numbers", "older", "newer"),
    [
        (1, 2, (500, 0.05, 20, 1.25), 0.3, 0.15),
        (2, 1, (250, 0.025, 10, 0.625), 0.15, 0.075),
        (4, 0, (125, 0.0125, 5, 0.313), 0.075, 0.038),
    ],
)
def test_sensors_of_generation_3(
    loops: int, code: int, numbers: tuple[float, float, float, float], older: float, newer: float
) -> None:
    """Both ranges by the loops; revision 13 halves the blind spot."""
    most, fine, low, coarse = numbers
    settings = {SettingKey.SENSOR_TYPE: float(code)}
    for manual, deadband in (
        (ProfileKey.GEN3_EARLY, older),
        (ProfileKey.GEN3_REV6, older),
        (ProfileKey.GEN3_REV13, newer),
    ):
        sensor = Sensor(most, fine, deadband, low, coarse, loops)
        assert dual_range_sensor(manual, loops) == sensor
        assert sensor_of(manual, settings) == sensor


def test_sensors_that_no_manual_has() -> None:
    """Three loops, a dual range sensor on generation 2, and the 1000 A type of newer firmware."""
    assert dual_range_sensor(ProfileKey.GEN3_REV13, 3) is None
    assert dual_range_sensor(ProfileKey.GEN2, 1) is None
    assert sensor_of(ProfileKey.GEN3_REV13, {SettingKey.SENSOR_TYPE: 11.0}) is None


def test_a_bms_that_does_not_tell_its_sensor() -> None:
    """It is taken for the default: 100 A on generation 2, 500 A and 20 A on generation 3."""
    assert sensor_of(ProfileKey.GEN2, {}) == Sensor(100, 0.5, 1.25)
    assert sensor_of(ProfileKey.GEN3_REV6, {}) == Sensor(500, 0.05, 0.3, 20, 1.25, 1)
