"""The decision table of the manuals, row by row (protocol.md 11.6)."""

from dataclasses import replace

import pytest

from custom_components.smartbms.model.profiles import PROFILES, Profile, ProfileKey
from custom_components.smartbms.model.relays import (
    Cause,
    Decision,
    Extreme,
    Limits,
    Reading,
    Relays,
    Rule,
    decide,
)

from .ordinary import LIMITS, OFF, ON

CRITICAL = replace(LIMITS, critical_mode=True)
REV13 = PROFILES[ProfileKey.GEN3_REV13]
REV6 = PROFILES[ProfileKey.GEN3_REV6]
EARLY = PROFILES[ProfileKey.GEN3_EARLY]
GEN2 = PROFILES[ProfileKey.GEN2]


def decided(
    before: Relays,
    limits: Limits = LIMITS,
    *,
    profile: Profile = REV13,
    cells: tuple[float, ...] = (3.30, 3.31),
    lowest_temperature: float = 20,
    highest_temperature: float = 25,
    state_of_charge: float = 60,
    power: float = 300,
) -> tuple[bool, bool]:
    """Return charge and load for an ordinary day with something changed."""
    reading = Reading(
        lowest_voltage=Extreme(min(cells)),
        highest_voltage=Extreme(max(cells)),
        lowest_temperature=Extreme(lowest_temperature),
        highest_temperature=Extreme(highest_temperature),
        state_of_charge=state_of_charge,
        power=power,
    )
    relays = decide(profile, limits, reading, before).relays
    return relays.charge, relays.load


def test_off_until_decided() -> None:
    """Before the first reading nothing is allowed."""
    assert Relays() == OFF


@pytest.mark.parametrize("limits", [LIMITS, CRITICAL])
@pytest.mark.parametrize("before", [OFF, ON])
def test_an_ordinary_day(limits: Limits, before: Relays) -> None:
    """In the middle of everything both are allowed, whatever was before."""
    assert decided(before, limits) == (True, True)


@pytest.mark.parametrize("limits", [LIMITS, CRITICAL])
def test_no_communication(limits: Limits) -> None:
    """Without the cells' word nothing is allowed."""
    silent = (Cause(Rule.NO_COMMUNICATION),)
    assert decide(REV13, limits, None, ON) == Decision(OFF, silent, silent)


@pytest.mark.parametrize(
    ("limits", "cells", "expected"),
    [
        (LIMITS, (3.30, 3.70), (False, True)),
        (LIMITS, (3.30, 3.695), (True, True)),
        (CRITICAL, (3.30, 3.70), (False, True)),
        (CRITICAL, (3.30, 3.695), (True, True)),
        (LIMITS, (2.90, 3.30), (True, False)),
        (LIMITS, (2.905, 3.30), (True, True)),
        (CRITICAL, (2.90, 3.30), (True, False)),
    ],
)
def test_a_cell_at_its_limit(limits: Limits, cells: tuple[float, ...], expected: tuple[bool, bool]) -> None:
    """Charging ends at V max, the load at V min: at the limit, not beyond it."""
    assert decided(ON, limits, cells=cells) == expected


@pytest.mark.parametrize("limits", [LIMITS, CRITICAL])
@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        (1, 25, (False, True)),
        (2, 25, (True, True)),
        (-10, 25, (False, True)),
        (-11, 25, (False, False)),
        (20, 60, (True, True)),
        (20, 61, (False, False)),
    ],
)
def test_temperature_ends_it(
    limits: Limits, lowest: float, highest: float, expected: tuple[bool, bool]
) -> None:
    """Too cold to charge, too cold for the load, too hot for both; at the limit nothing changes."""
    assert decided(ON, limits, lowest_temperature=lowest, highest_temperature=highest) == expected


@pytest.mark.parametrize("limits", [LIMITS, CRITICAL])
@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(2, 25, (False, True)), (-10, 25, (False, False)), (20, 60, (False, False)), (3, 59, (True, True))],
)
def test_temperature_lets_it_begin(
    limits: Limits, lowest: float, highest: float, expected: tuple[bool, bool]
) -> None:
    """What is off comes back inside the window only: exactly at a limit it stays off."""
    assert decided(OFF, limits, lowest_temperature=lowest, highest_temperature=highest) == expected


@pytest.mark.parametrize(
    ("cells", "power", "full"),
    [
        ((3.40, 3.41), 200, True),
        ((3.40, 3.41), 201, False),
        ((3.395, 3.60), 0, False),
        ((3.40, 3.41), -500, True),
    ],
)
def test_full(cells: tuple[float, ...], power: float, full: bool) -> None:
    """Full is every cell at the balance voltage and at most 5 % of the capacity flowing in."""
    assert decided(ON, cells=cells, power=power) == (not full, True)


@pytest.mark.parametrize(("profile", "full"), [(GEN2, True), (EARLY, True), (REV6, False), (REV13, False)])
def test_full_while_charging_hard(profile: Profile, full: bool) -> None:
    """The older manuals call a pack full whatever still flows in (MAN2, MANG)."""
    assert decided(ON, profile=profile, cells=(3.40, 3.41), power=2000) == (not full, True)


@pytest.mark.parametrize(("profile", "load"), [(GEN2, False), (EARLY, False), (REV6, False), (REV13, True)])
def test_frost(profile: Profile, load: bool) -> None:
    """Below T min both end; only MAN13 has a lower limit for the load."""
    assert decided(ON, profile=profile, lowest_temperature=-5) == (False, load)


def test_full_ends_charging_in_normal_mode_only() -> None:
    """Critical mode never opens the charge relay because the battery is full."""
    assert decided(ON, cells=(3.40, 3.41), power=200) == (False, True)
    assert decided(ON, CRITICAL, cells=(3.40, 3.41), power=200) == (True, True)


@pytest.mark.parametrize(
    ("cells", "state_of_charge", "charge"),
    [
        ((3.30, 3.395), 95, False),
        ((3.30, 3.395), 94, True),
        ((3.30, 3.40), 94, False),
        ((3.30, 3.40), 50, False),
    ],
)
def test_charging_stays_off_until_the_restart(
    cells: tuple[float, ...], state_of_charge: float, charge: bool
) -> None:
    """After any trip charging waits for less than the restart and all cells below balance."""
    assert decided(OFF, cells=cells, state_of_charge=state_of_charge) == (charge, True)


def test_charging_goes_on_above_the_restart() -> None:
    """What has begun goes on between the restart and full: the relay keeps its state."""
    assert decided(ON, cells=(3.39, 3.45), state_of_charge=98) == (True, True)


def test_critical_mode_has_no_restart() -> None:
    """In critical mode charging is back as soon as every cell is below V max."""
    assert decided(OFF, CRITICAL, cells=(3.5, 3.69), state_of_charge=100) == (True, True)


@pytest.mark.parametrize("limits", [LIMITS, CRITICAL])
@pytest.mark.parametrize(("lowest", "load"), [(2.905, False), (3.0, False), (3.005, True)])
def test_the_load_waits_for_the_hysteresis(limits: Limits, lowest: float, load: bool) -> None:
    """Newer firmware: off at V min 2.90 V, back above 3.00 V; what is on stays on in between."""
    limits = replace(limits, v_min_hysteresis=0.1)
    assert decided(OFF, limits, cells=(lowest, 3.3)) == (True, load)
    assert decided(ON, limits, cells=(lowest, 3.3)) == (True, True)


@pytest.mark.parametrize(("highest", "charge"), [(3.695, False), (3.65, False), (3.645, True)])
def test_charging_waits_for_the_hysteresis(highest: float, charge: bool) -> None:
    """Newer firmware in critical mode: off at V max 3.70 V, back below 3.65 V."""
    limits = replace(CRITICAL, v_max_hysteresis=0.05)
    assert decided(OFF, limits, cells=(3.3, highest)) == (charge, True)
    assert decided(ON, limits, cells=(3.3, highest)) == (True, True)


def test_the_limit_that_is_told() -> None:
    """The one that was crossed, V max; once the cell is below it, the one that it waits for."""
    limits = replace(CRITICAL, v_max_hysteresis=0.05)
    causes: list[Cause] = []
    for highest in (3.71, 3.68):
        reading = Reading(
            lowest_voltage=Extreme(3.3),
            highest_voltage=Extreme(highest, 5),
            lowest_temperature=Extreme(20),
            highest_temperature=Extreme(25),
            state_of_charge=60,
            power=0,
        )
        causes += decide(REV13, limits, reading, OFF).charge_causes
    assert causes == [
        Cause(Rule.CELL_VOLTAGE_HIGH, 3.7, 3.71, 5),
        Cause(Rule.CELL_VOLTAGE_HIGH, 3.65, 3.68, 5),
    ]


@pytest.mark.parametrize(("state_of_charge", "load"), [(4.9, False), (5, True)])
def test_the_load_waits_for_its_restart(state_of_charge: float, load: bool) -> None:
    """After a trip the load comes back at exactly the restart; SoC alone never takes it away."""
    assert decided(OFF, state_of_charge=state_of_charge) == (True, load)
    assert decided(ON, state_of_charge=state_of_charge) == (True, True)
    assert decided(OFF, CRITICAL, state_of_charge=state_of_charge) == (True, True)


def test_a_full_and_an_empty_day() -> None:
    """The latch through a whole day: full, waiting, charging, empty, waiting, back."""
    relays, seen = OFF, []
    for cells, state_of_charge, power in (
        ((3.30, 3.30), 60, 1000),
        ((3.42, 3.45), 99, 900),
        ((3.42, 3.45), 100, 100),
        ((3.33, 3.33), 97, -300),
        ((3.32, 3.32), 94, -300),
        ((2.90, 3.10), 1, -300),
        ((3.00, 3.20), 4, 500),
        ((3.10, 3.20), 5, 500),
    ):
        relays = Relays(*decided(relays, cells=cells, state_of_charge=state_of_charge, power=power))
        seen.append((relays.charge, relays.load))
    assert seen == [
        (True, True),
        (True, True),
        (False, True),
        (False, True),
        (True, True),
        (True, False),
        (True, False),
        (True, True),
    ]
