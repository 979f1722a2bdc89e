"""One report of everything, for a machine and for a terminal."""

from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.state import Cell, Snapshot
from custom_components.smartbms.model.diagnosis import Circumstances
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.report import as_text, report

from .looks import BROKEN, CHARGE_BLOCKED, NOW, seen
from .test_diagnosis import TEXTS
from .test_hypothesis import known

FULL = seen(2, 0, lowest=3.41, highest=3.45, state_of_charge=100, status=CHARGE_BLOCKED)


def reported(snapshot: Snapshot | None, now: float = NOW + 35) -> dict[str, Any]:
    """Return a report after a way through JSON."""
    answer: dict[str, Any] = json.loads(
        json.dumps(report(known(snapshot), now, Circumstances(has_factory_pin=True)), allow_nan=False)
    )
    return answer


def test_an_ordinary_day() -> None:
    """What was measured, and that everything is allowed."""
    answer = reported(seen(10, 4))
    assert answer["generated_at"] == "2027-01-15T08:00:35+00:00"
    assert answer["heard_at"] == "2027-01-15T08:00:00+00:00"
    assert answer["age_seconds"] == 35
    assert answer["profile"] == "gen3_rev13"
    assert answer["reading"] == {
        "voltage": 52.896,
        "current": 6.0,
        "charge_current": 10,
        "load_current": 4,
        "power": 317.4,
        "state_of_charge": 60,
        "stored_energy": 3000,
        "cells": 16,
        "balance_voltage": 3.4,
        "lowest_cell_voltage": 3.295,
        "lowest_cell": 2,
        "highest_cell_voltage": 3.305,
        "highest_cell": 5,
        "lowest_temperature": 22.4,
        "coldest_cell": 1,
        "highest_temperature": 25.0,
        "warmest_cell": 4,
    }
    assert answer["charging"] == answer["discharging"] == {"allowed": True, "expected": True, "causes": []}
    assert answer["findings"] == [{"key": "factory_pin", "severity": "notice", "evidence": {}}]
    assert not any(line["applies"] for line in answer["table"])


def test_settings_as_a_person_reads_them() -> None:
    """Temperatures in degrees, on the scale of the owner; the names are those of a hypothesis."""
    assert reported(seen())["settings"]["t_max"] == 60.1
    document = replace(seen(), temperature_scale=TemperatureScale.DOCUMENT)
    answer = reported(document)
    assert (answer["settings"]["t_max"], answer["settings"]["v_max"]) == (65.0, 3.7)
    (line,) = [
        line
        for line in answer["table"]
        if (line["relay"], line["column"], line["rule"]) == ("charge", "disable", "too_hot")
    ]
    assert (line["limit"], line["value"], line["cell"]) == (65.0, 24.0, 4)


def test_a_full_pack() -> None:
    """Why charging is blocked, in the order of the manual, with the power of the line of full."""
    answer = reported(FULL)
    assert answer["charging"]["allowed"] is answer["charging"]["expected"] is False
    assert answer["charging"]["causes"] == [
        {"rule": "full", "limit": 3.4, "value": 3.41, "cell": 2},
        {"rule": "above_balance_voltage", "limit": 3.4, "value": 3.45, "cell": 5},
        {"rule": "waits_for_restart", "limit": 95.0, "value": 100, "cell": None},
    ]
    (line,) = [line for line in answer["table"] if line["rule"] == "full"]
    assert line == {
        "relay": "charge",
        "column": "disable",
        "rule": "full",
        "applies": True,
        "limit": 3.4,
        "value": 3.41,
        "cell": 2,
        "power_limit": 264.0,
        "power": 105.7,
    }


def test_a_broken_chain() -> None:
    """Nothing is known of the cells, and that is the reason."""
    broken = replace(seen(status=BROKEN), voltages=None, temperatures=None, version_balance_voltage=3.4)
    answer = reported(broken)
    assert answer["charging"]["causes"] == [
        {"rule": "no_communication", "limit": None, "value": None, "cell": None}
    ]
    assert answer["reading"]["lowest_cell_voltage"] is None
    assert [line["rule"] for line in answer["table"] if line["applies"]] == ["no_communication"] * 4


@pytest.mark.parametrize(
    "snapshot",
    [
        None,
        Snapshot(),
        replace(seen(), settings={}),
        replace(seen(), cells=(), voltages=None),
        replace(seen(), temperatures=None),
    ],
)
def test_what_is_not_known_is_said_so(snapshot: Snapshot | None) -> None:
    """Never heard, no settings, no cells: the report is there, with what there is."""
    answer = reported(snapshot)
    assert answer["charging"]["expected"] is answer["discharging"]["expected"] is None
    assert answer["table"] == []
    text = as_text(answer, TEXTS)
    assert "by the manual: not known" in text
    assert "Decision table" not in text


def test_a_bms_that_was_never_heard() -> None:
    """There is no time and no age."""
    answer = report(Insight(), NOW)
    assert answer["heard_at"] is answer["age_seconds"] is None
    assert "never heard" in as_text(answer, TEXTS)


@pytest.mark.parametrize("at", [1e18, -1e18, 1e11 * 5])
def test_a_time_that_no_calendar_has(at: float) -> None:
    """It is not known."""
    assert report(replace(known(seen()), at=at), NOW)["heard_at"] is None


def test_the_text_of_an_ordinary_day() -> None:
    """A person reads the same in a terminal."""
    text = as_text(reported(seen(10, 4)), TEXTS, "Shed")
    assert text.startswith(
        "Shed, by the rules of gen3_rev13\nheard 2027-01-15T08:00:00+00:00, 35 s before this report\n"
    )
    for line in (
        "  Voltage               52.896 V",
        "  State of charge       60 %",
        "  Lowest cell voltage   3.295 V (cell 2)",
        "  Highest temperature   25 °C (cell 4)",
        "Charging: allowed; by the manual: allowed",
        "  [notice] Shed has the PIN of the factory",
        "    charge disable cell voltage high: value 3.305, limit 3.7, cell 5",
        "    charge disable full: value 3.295, limit 3.4, cell 2, power 317.4 W, limit 264 W",
    ):
        assert f"\n{line}\n" in text


def test_the_text_of_a_full_pack() -> None:
    """Causes with their numbers, and a mark at what keeps the relay off."""
    text = as_text(reported(FULL), TEXTS)
    assert "\nCharging: blocked; by the manual: blocked\n  full: value 3.41, limit 3.4, cell 2\n" in text
    assert "\n  waits for restart: value 100, limit 95\n" in text
    assert "\n  x charge enable  waits for restart: value 100, limit 95\n" in text
    assert "\nDischarging: allowed; by the manual: allowed\n" in text


def test_the_text_of_a_finding() -> None:
    """Its title and its description, with the numbers in their places."""
    text = as_text(reported(seen(status=0x02, temperatures=(270, 280))), TEXTS, "Shed")
    assert "\n  [notice] It is too cold to charge Shed\n    The coldest cell is at -0.7 °C, and T min" in text


def test_a_finding_without_a_text() -> None:
    """A translation that does not know it yet: the key is shown."""
    assert "\n  [notice] factory_pin\n" in as_text(reported(seen()), {})


def test_no_findings() -> None:
    """It is said that there are none."""
    assert "\nFindings\n  none\n" in as_text(report(known(seen()), NOW), TEXTS)
    assert "\nFindings\n  none\n" in as_text({}, TEXTS)


@pytest.mark.parametrize(
    ("generation", "cells", "balance", "switches"),
    [
        # 9 to 16 cells are 010, 3.4 V is 10000 (MAN13, option switches of the Begin Board).
        (Generation.GEN3, 16, 3.4, "01010000"),
        (Generation.GEN3, 2, 3.4, "00010000"),
        (Generation.GEN3, 22, 2.6, "01101000"),
        (Generation.GEN3, 255, 0.0, "11100000"),
        (Generation.GEN3, 16, 5.5, None),
        (Generation.GEN3, 16, None, None),
        (Generation.GEN3, 0, 3.4, None),
        (Generation.GEN2, 16, 3.4, None),
    ],
)
def test_the_option_switches(
    generation: Generation, cells: int, balance: float | None, switches: str | None
) -> None:
    """How the switches of the Begin Board stand for this number of cells and this balance voltage."""
    snapshot = Snapshot(cells=(Cell(),) * cells, version_balance_voltage=balance)
    assert report(Insight(snapshot=snapshot, generation=generation), 0.0)["begin_board"] == switches
