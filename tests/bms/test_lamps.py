"""The five warning lights and their cells."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.lamps import LAMPS, Cells, cells_of
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Cell, Snapshot, TemperatureRecord, VoltageRecord

# Cells 2 and 4 are above V max, cell 3 exactly at it; cell 1 is below V min, too warm and too cold at once.
SNAPSHOT = Snapshot(
    voltages=VoltageRecord(2.85, 1, 3.725, 2, 3.4),
    temperatures=TemperatureRecord(270, 4, 345, 1),
    cells=(Cell(2.85, 345), Cell(3.71, 300), Cell(3.7, 273), Cell(3.705, 270), Cell()),
    settings={
        SettingKey.V_MIN: 2.9,
        SettingKey.V_MAX: 3.7,
        SettingKey.T_MIN_CHARGE: 273,
        SettingKey.T_MAX: 341,
    },
)
BY_LETTERS = {lamp.letters: lamp for lamp in LAMPS}


def test_they_are_called_as_in_the_app() -> None:
    """E, Vh, Vl, Th and Tl, each with the name of its bit."""
    assert {lamp.letters: lamp.key for lamp in LAMPS} == {
        "E": "communication_error",
        "Vh": "voltage_high",
        "Vl": "voltage_low",
        "Th": "temperature_high",
        "Tl": "temperature_low",
    }


@pytest.mark.parametrize(
    ("letters", "cells"),
    [
        ("E", Cells()),
        ("Vh", Cells(2, 3.725, "V", 3.7, (2, 4))),
        ("Vl", Cells(1, 2.85, "V", 2.9, (1,))),
        ("Th", Cells(1, 63.6, "°C", 60.1, (1,))),
        ("Tl", Cells(4, -0.7, "°C", 1.9, (4,))),
    ],
)
def test_the_cells_of_a_lamp(letters: str, cells: Cells) -> None:
    """The furthest cell with value and threshold, and all beyond; at the threshold is not beyond it."""
    assert cells_of(BY_LETTERS[letters], SNAPSHOT) == cells


def test_the_scale_that_the_owner_chose() -> None:
    """Value and threshold are on the same one."""
    snapshot = replace(SNAPSHOT, temperature_scale=TemperatureScale.DOCUMENT)
    assert cells_of(BY_LETTERS["Th"], snapshot) == Cells(1, 69.0, "°C", 65.0, (1,))


def test_the_extreme_is_newer_than_the_word_of_its_cell() -> None:
    """A cell whose own record is yet to come is beyond already; when the highest is not, none is."""
    risen = replace(SNAPSHOT, voltages=VoltageRecord(3.3, 5, 3.75, 5, 3.4))
    assert cells_of(BY_LETTERS["Vh"], risen).beyond == (2, 4, 5)
    fallen = replace(SNAPSHOT, voltages=VoltageRecord(3.3, 5, 3.69, 2, 3.4))
    assert cells_of(BY_LETTERS["Vh"], fallen).beyond == ()
    nameless = replace(SNAPSHOT, voltages=VoltageRecord(3.3, None, 3.75, None, 3.4))
    assert cells_of(BY_LETTERS["Vh"], nameless) == Cells(None, 3.75, "V", 3.7, (2, 4))


@pytest.mark.parametrize(("letters", "unit"), [("Vh", "V"), ("Vl", "V"), ("Th", "°C"), ("Tl", "°C")])
def test_what_is_not_known_is_not_said(letters: str, unit: str) -> None:
    """Before the first records, and without the settings."""
    assert cells_of(BY_LETTERS[letters], Snapshot()) == Cells(None, None, unit, None, None)
    without = cells_of(BY_LETTERS[letters], replace(SNAPSHOT, settings={}))
    assert without.cell is not None
    assert without.threshold is None
    assert without.beyond is None


def test_the_dust_of_binary_fractions() -> None:
    """A sum that is 3.7 V but for its last bit is not more than 3.7 V."""
    snapshot = replace(SNAPSHOT, voltages=VoltageRecord(3.3, 5, 3.7000000000000006, 3, 3.4), cells=())
    assert cells_of(BY_LETTERS["Vh"], snapshot) == Cells(3, 3.7, "V", 3.7, ())
