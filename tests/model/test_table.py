"""The decision table line by line, as somebody who looks for the reason reads it."""

from dataclasses import replace

import pytest

from custom_components.smartbms.model.profiles import PROFILES, Profile, ProfileKey
from custom_components.smartbms.model.relays import (
    Column,
    Extreme,
    Limits,
    Line,
    Reading,
    Relay,
    Rule,
    decide,
    table,
)

from .ordinary import LIMITS, OFF, ON, READING

REV13 = PROFILES[ProfileKey.GEN3_REV13]
CRITICAL = replace(LIMITS, critical_mode=True)


def test_an_ordinary_day_line_by_line() -> None:
    """Every condition of the table of normal mode, in its order, with what is read; none applies."""
    charge, load, enable, disable = Relay.CHARGE, Relay.LOAD, Column.ENABLE, Column.DISABLE
    assert table(REV13, LIMITS, READING) == (
        Line(charge, disable, Rule.NO_COMMUNICATION, False),
        Line(charge, disable, Rule.CELL_VOLTAGE_HIGH, False, 3.7, 3.31, 5),
        Line(charge, disable, Rule.FULL, False, 3.4, 3.30, 2, power_limit=200, power=300),
        Line(charge, disable, Rule.TOO_COLD, False, 2, 20, 3),
        Line(charge, disable, Rule.TOO_HOT, False, 60, 25, 4),
        Line(charge, enable, Rule.NO_COMMUNICATION, False),
        Line(charge, enable, Rule.CELL_VOLTAGE_HIGH, False, 3.7, 3.31, 5),
        Line(charge, enable, Rule.TOO_COLD, False, 2, 20, 3),
        Line(charge, enable, Rule.TOO_HOT, False, 60, 25, 4),
        Line(charge, enable, Rule.ABOVE_BALANCE_VOLTAGE, False, 3.4, 3.31, 5),
        Line(charge, enable, Rule.WAITS_FOR_RESTART, False, 95, 60),
        Line(load, disable, Rule.NO_COMMUNICATION, False),
        Line(load, disable, Rule.CELL_VOLTAGE_LOW, False, 2.9, 3.30, 2),
        Line(load, disable, Rule.TOO_COLD, False, -10, 20, 3),
        Line(load, disable, Rule.TOO_HOT, False, 60, 25, 4),
        Line(load, enable, Rule.NO_COMMUNICATION, False),
        Line(load, enable, Rule.CELL_VOLTAGE_LOW, False, 2.9, 3.30, 2),
        Line(load, enable, Rule.TOO_COLD, False, -10, 20, 3),
        Line(load, enable, Rule.TOO_HOT, False, 60, 25, 4),
        Line(load, enable, Rule.WAITS_FOR_RESTART, False, 5, 60),
    )


def test_a_full_pack() -> None:
    """Full disables; the balance voltage and the restart keep it from being enabled."""
    full = replace(
        READING,
        lowest_voltage=Extreme(3.41, 2),
        highest_voltage=Extreme(3.45, 5),
        state_of_charge=100,
        power=100,
    )
    applying = [(line.relay, line.column, line.rule) for line in table(REV13, LIMITS, full) if line.applies]
    assert applying == [
        (Relay.CHARGE, Column.DISABLE, Rule.FULL),
        (Relay.CHARGE, Column.ENABLE, Rule.ABOVE_BALANCE_VOLTAGE),
        (Relay.CHARGE, Column.ENABLE, Rule.WAITS_FOR_RESTART),
    ]


def test_full_voltage_with_too_much_power() -> None:
    """Every cell is at the balance voltage, and the line shows the power that keeps it from being full."""
    reading = replace(READING, lowest_voltage=Extreme(3.41, 2), highest_voltage=Extreme(3.45, 5), power=900)
    (line,) = [line for line in table(REV13, LIMITS, reading) if line.rule is Rule.FULL]
    assert line == Line(
        Relay.CHARGE, Column.DISABLE, Rule.FULL, False, 3.4, 3.41, 2, power_limit=200, power=900
    )


@pytest.mark.parametrize("key", [ProfileKey.GEN2, ProfileKey.GEN3_EARLY])
def test_older_manuals_do_not_ask_for_power(key: ProfileKey) -> None:
    """Their line of full has none."""
    (line,) = [line for line in table(PROFILES[key], LIMITS, READING) if line.rule is Rule.FULL]
    assert (line.power_limit, line.power) == (None, None)


def test_critical_mode_has_fewer_lines() -> None:
    """Neither full, nor the balance voltage, nor the restarts."""
    rules = {line.rule for line in table(REV13, CRITICAL, READING)}
    assert rules == {
        Rule.NO_COMMUNICATION,
        Rule.CELL_VOLTAGE_HIGH,
        Rule.CELL_VOLTAGE_LOW,
        Rule.TOO_COLD,
        Rule.TOO_HOT,
    }


def test_no_communication() -> None:
    """It applies in every column, and nothing else does; limits are known, values are not."""
    lines = table(REV13, LIMITS, None)
    assert {line.rule for line in lines if line.applies} == {Rule.NO_COMMUNICATION}
    assert sum(line.applies for line in lines) == 4
    assert Line(Relay.CHARGE, Column.DISABLE, Rule.CELL_VOLTAGE_HIGH, False, 3.7) in lines
    assert Line(Relay.CHARGE, Column.DISABLE, Rule.FULL, False, 3.4, power_limit=200) in lines


@pytest.mark.parametrize("profile", PROFILES.values())
@pytest.mark.parametrize("limits", [LIMITS, CRITICAL])
@pytest.mark.parametrize(
    "reading",
    [
        READING,
        replace(READING, highest_voltage=Extreme(3.7, 5)),
        replace(READING, lowest_voltage=Extreme(2.9, 2)),
        replace(READING, lowest_temperature=Extreme(-11, 3)),
        replace(READING, lowest_temperature=Extreme(2, 3)),
        replace(READING, highest_temperature=Extreme(61, 4)),
        replace(READING, lowest_voltage=Extreme(3.4, 2), highest_voltage=Extreme(3.4, 5), power=0),
        replace(READING, state_of_charge=97),
        replace(READING, state_of_charge=3),
    ],
)
def test_the_table_decides(profile: Profile, limits: Limits, reading: Reading) -> None:
    """What is on goes off by the disable column; what is off comes back when no line applies."""
    lines = table(profile, limits, reading)
    for relay, is_charge in ((Relay.CHARGE, True), (Relay.LOAD, False)):
        of_relay = [line for line in lines if line.relay is relay]
        disabled = any(line.applies for line in of_relay if line.column is Column.DISABLE)
        kept_off = any(line.applies for line in of_relay)
        for before, is_on in ((ON, not disabled), (OFF, not kept_off)):
            relays = decide(profile, limits, reading, before).relays
            assert (relays.charge if is_charge else relays.load) is is_on
