"""Every cell of every decision table of the manuals, with the cause that a person is told."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings as run, strategies as st
import pytest

from custom_components.smartbms.model.profiles import PROFILES, Profile, ProfileKey
from custom_components.smartbms.model.relays import (
    Cause,
    Extreme,
    Limits,
    OffFor,
    Reading,
    Relays,
    Rule,
    decide,
)

from .ordinary import LIMITS, OFF, ON, READING

ALL = list(ProfileKey)
OLDER = [ProfileKey.GEN2, ProfileKey.GEN3_EARLY]
NEWER = [ProfileKey.GEN3_REV6, ProfileKey.GEN3_REV13]
NORMAL, CRITICAL = False, True

FULL_CELLS = {"lowest_voltage": Extreme(3.4, 2), "highest_voltage": Extreme(3.45, 5)}
COLD = {"lowest_temperature": Extreme(1, 3)}
COLDER = {"lowest_temperature": Extreme(-11, 3)}
HOT = {"highest_temperature": Extreme(61, 4)}

type Cells = list[tuple[str, list[ProfileKey], tuple[bool, ...], Mapping[str, Extreme | float], Cause]]

# manual cell | profiles | modes | what is read | the cause
CHARGE_DISABLE: Cells = [
    (
        "cell voltage >= V max",
        ALL,
        (NORMAL, CRITICAL),
        {"highest_voltage": Extreme(3.7, 5)},
        Cause(Rule.CELL_VOLTAGE_HIGH, 3.7, 3.7, 5),
    ),
    (
        "all cells >= V balance",
        OLDER,
        (NORMAL,),
        {**FULL_CELLS, "power": 2000},
        Cause(Rule.FULL, 3.4, 3.4, 2),
    ),
    (
        "all cells >= V balance and charge rate <= 5 %",
        NEWER,
        (NORMAL,),
        {**FULL_CELLS, "power": 200},
        Cause(Rule.FULL, 3.4, 3.4, 2),
    ),
    ("temperature < T min", ALL, (NORMAL, CRITICAL), COLD, Cause(Rule.TOO_COLD, 2, 1, 3)),
    ("temperature > T max", ALL, (NORMAL, CRITICAL), HOT, Cause(Rule.TOO_HOT, 60, 61, 4)),
]
CHARGE_HOLD: Cells = [
    (
        "not all cells < V balance",
        ALL,
        (NORMAL,),
        {"highest_voltage": Extreme(3.4, 5)},
        Cause(Rule.ABOVE_BALANCE_VOLTAGE, 3.4, 3.4, 5),
    ),
    (
        "not SoC < charge restart",
        ALL,
        (NORMAL,),
        {"state_of_charge": 95},
        Cause(Rule.WAITS_FOR_RESTART, 95, 95),
    ),
    (
        "not temperature > T min",
        ALL,
        (NORMAL, CRITICAL),
        {"lowest_temperature": Extreme(2, 3)},
        Cause(Rule.TOO_COLD, 2, 2, 3),
    ),
    (
        "not temperature < T max",
        ALL,
        (NORMAL, CRITICAL),
        {"highest_temperature": Extreme(60, 4)},
        Cause(Rule.TOO_HOT, 60, 60, 4),
    ),
]
LOAD_DISABLE: Cells = [
    (
        "cell voltage <= V min",
        ALL,
        (NORMAL, CRITICAL),
        {"lowest_voltage": Extreme(2.9, 2)},
        Cause(Rule.CELL_VOLTAGE_LOW, 2.9, 2.9, 2),
    ),
    (
        "temperature < T min",
        [*OLDER, ProfileKey.GEN3_REV6],
        (NORMAL, CRITICAL),
        COLD,
        Cause(Rule.TOO_COLD, 2, 1, 3),
    ),
    (
        "temperature < T min discharge",
        [ProfileKey.GEN3_REV13],
        (NORMAL, CRITICAL),
        COLDER,
        Cause(Rule.TOO_COLD, -10, -11, 3),
    ),
    ("temperature > T max", ALL, (NORMAL, CRITICAL), HOT, Cause(Rule.TOO_HOT, 60, 61, 4)),
]
LOAD_HOLD: Cells = [
    ("not SoC >= discharge restart", ALL, (NORMAL,), {"state_of_charge": 4},
     Cause(Rule.WAITS_FOR_RESTART, 5, 4)),
    ("not temperature > T min", [*OLDER, ProfileKey.GEN3_REV6], (NORMAL, CRITICAL),
     {"lowest_temperature": Extreme(2, 3)}, Cause(Rule.TOO_COLD, 2, 2, 3)),
    ("not temperature > T min discharge", [ProfileKey.GEN3_REV13], (NORMAL, CRITICAL),
     {"lowest_temperature": Extreme(-10, 3)}, Cause(Rule.TOO_COLD, -10, -10, 3)),
    ("not temperature < T max", ALL, (NORMAL, CRITICAL), {"highest_temperature": Extreme(60, 4)},
     Cause(Rule.TOO_HOT, 60, 60, 4)),
]  # fmt: skip


def rows(cells: Cells) -> list[object]:
    """Return one case for each manual and mode that has a cell of the table, named after it."""
    return [
        pytest.param(
            PROFILES[key], critical, read, cause, id=f"{key}-{'critical' if critical else 'normal'}-{name}"
        )
        for name, keys, modes, read, cause in cells
        for key in keys
        for critical in modes
    ]


def reading(read: Mapping[str, Extreme | float]) -> Reading:
    """Return an ordinary reading with something changed."""
    return replace(READING, **read)  # type: ignore[arg-type] # the table names each field's own type


@pytest.mark.parametrize(("profile", "critical", "read", "cause"), rows(CHARGE_DISABLE))
def test_charge_is_disabled(
    profile: Profile, critical: bool, read: Mapping[str, Extreme | float], cause: Cause
) -> None:
    """The relay opens, and the cause is the one cell of the table that applies."""
    decision = decide(profile, replace(LIMITS, critical_mode=critical), reading(read), ON)
    assert (decision.relays.charge, decision.charge_causes) == (False, (cause,))


@pytest.mark.parametrize(("profile", "critical", "read", "cause"), rows(CHARGE_HOLD))
def test_charge_stays_off(
    profile: Profile, critical: bool, read: Mapping[str, Extreme | float], cause: Cause
) -> None:
    """What is off waits for the enable column; what is on does not mind."""
    limits = replace(LIMITS, critical_mode=critical)
    waiting = decide(profile, limits, reading(read), OFF)
    assert (waiting.relays.charge, waiting.charge_causes) == (False, (cause,))
    assert decide(profile, limits, reading(read), ON).relays.charge is True


@pytest.mark.parametrize(("profile", "critical", "read", "cause"), rows(LOAD_DISABLE))
def test_the_load_is_disabled(
    profile: Profile, critical: bool, read: Mapping[str, Extreme | float], cause: Cause
) -> None:
    """The relay opens, and the cause is the one cell of the table that applies."""
    decision = decide(profile, replace(LIMITS, critical_mode=critical), reading(read), ON)
    assert (decision.relays.load, decision.load_causes) == (False, (cause,))


@pytest.mark.parametrize(("profile", "critical", "read", "cause"), rows(LOAD_HOLD))
def test_the_load_stays_off(
    profile: Profile, critical: bool, read: Mapping[str, Extreme | float], cause: Cause
) -> None:
    """What is off waits for the enable column; what is on does not mind."""
    limits = replace(LIMITS, critical_mode=critical)
    waiting = decide(profile, limits, reading(read), OFF)
    assert (waiting.relays.load, waiting.load_causes) == (False, (cause,))
    assert decide(profile, limits, reading(read), ON).relays.load is True


@pytest.mark.parametrize("profile", PROFILES.values())
@pytest.mark.parametrize("critical", [NORMAL, CRITICAL])
def test_enabled(profile: Profile, critical: bool) -> None:
    """With the whole enable column true both are allowed, and there is nothing to explain."""
    decision = decide(profile, replace(LIMITS, critical_mode=critical), READING, OFF)
    assert (decision.relays, decision.charge_causes, decision.load_causes) == (ON, (), ())


def test_a_full_pack_tells_all_that_it_waits_for() -> None:
    """Full comes first; the restart and the balance voltage keep it off as well."""
    full = reading({**FULL_CELLS, "power": 0, "state_of_charge": 100})
    decision = decide(PROFILES[ProfileKey.GEN3_REV13], LIMITS, full, OFF)
    assert [cause.rule for cause in decision.charge_causes] == [
        Rule.FULL,
        Rule.ABOVE_BALANCE_VOLTAGE,
        Rule.WAITS_FOR_RESTART,
    ]


PROFILE = st.sampled_from(list(PROFILES.values()))
VOLTS = st.sampled_from([2.5, 2.9, 2.905, 3.3, 3.395, 3.4, 3.45, 3.695, 3.7, 3.8])
TEMPERATURES = st.sampled_from([-20, -11, -10, -9, 1, 2, 3, 25, 59, 60, 61, 70])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Return any reading, often at or beside a limit."""
    low, high = sorted((draw(VOLTS), draw(VOLTS)))
    cold, warm = sorted((draw(TEMPERATURES), draw(TEMPERATURES)))
    return Reading(
        lowest_voltage=Extreme(low, 1),
        highest_voltage=Extreme(high, 2),
        lowest_temperature=Extreme(cold, 1),
        highest_temperature=Extreme(warm, 2),
        state_of_charge=draw(st.sampled_from([0, 4, 5, 6, 50, 94, 95, 96, 100])),
        power=draw(st.sampled_from([-500, 0, 199, 200, 201, 2000])),
    )


@st.composite
def limits_of_any_kind(draw: st.DrawFn) -> Limits:
    """Return ordinary limits in normal or critical mode, of firmware with hysteresis or without."""
    return replace(
        LIMITS,
        critical_mode=draw(st.booleans()),
        v_min_hysteresis=draw(st.sampled_from([0.0, 0.1])),
        v_max_hysteresis=draw(st.sampled_from([0.0, 0.05])),
    )


ANY = given(PROFILE, limits_of_any_kind(), readings(), st.booleans(), st.booleans())


@ANY
@run(max_examples=400)
def test_never(profile: Profile, limits: Limits, read: Reading, charge: bool, load: bool) -> None:
    """Never charge at V max, never load at V min, neither outside the temperatures, whatever was before."""
    relays = decide(profile, limits, read, Relays(charge, load)).relays
    t_min_load = -10 if profile.key is ProfileKey.GEN3_REV13 else 2
    if relays.charge:
        assert read.highest_voltage.value < 3.7
        assert read.lowest_temperature.value >= 2
        assert read.highest_temperature.value <= 60
    if relays.load:
        assert read.lowest_voltage.value > 2.9
        assert read.lowest_temperature.value >= t_min_load
        assert read.highest_temperature.value <= 60


@ANY
@run(max_examples=400)
def test_no_toggling(profile: Profile, limits: Limits, read: Reading, charge: bool, load: bool) -> None:
    """The same reading again decides the same again."""
    first = decide(profile, limits, read, Relays(charge, load))
    assert decide(profile, limits, read, first.relays).relays == first.relays


# What takes each cause away, leaving everything else as it is.
CURES: Mapping[Rule, Mapping[str, Extreme | float]] = {
    Rule.CELL_VOLTAGE_HIGH: {"highest_voltage": Extreme(3.3)},
    Rule.ABOVE_BALANCE_VOLTAGE: {"highest_voltage": Extreme(3.3)},
    Rule.FULL: {"lowest_voltage": Extreme(3.3)},
    Rule.CELL_VOLTAGE_LOW: {"lowest_voltage": Extreme(3.3)},
    Rule.TOO_COLD: {"lowest_temperature": Extreme(20)},
    Rule.TOO_HOT: {"highest_temperature": Extreme(25)},
    Rule.WAITS_FOR_RESTART: {"state_of_charge": 50},
}


def cured(read: Reading, causes: tuple[Cause, ...]) -> Reading:
    """Return a reading without some causes."""
    for cause in causes:
        read = replace(read, **CURES[cause.rule])  # type: ignore[arg-type] # each field's own type
    return read


@ANY
@run(max_examples=400)
def test_the_causes_are_the_reasons(
    profile: Profile, limits: Limits, read: Reading, charge: bool, load: bool
) -> None:
    """There is a cause exactly when it is off; without all of them it is on, without all but one it is not."""
    before = Relays(charge, load)
    decision = decide(profile, limits, read, before)
    assert decision.relays == Relays(not decision.charge_causes, not decision.load_causes)
    assert decide(profile, limits, cured(read, decision.charge_causes), before).relays.charge is True
    assert decide(profile, limits, cured(read, decision.load_causes), before).relays.load is True


@pytest.mark.parametrize("key", ALL)
def test_restart_delays(key: ProfileKey) -> None:
    """Whatever the manual, a relay that went off stays off for the delay that is set, and no longer."""
    limits = replace(LIMITS, charge_restart_delay=60, discharge_restart_delay=30)
    for off_for, relays in (
        (OffFor(0, 0), OFF),
        (OffFor(59.9, 29.9), OFF),
        (OffFor(59.9, 30), Relays(False, True)),
        (OffFor(60, 30), ON),
        (OffFor(), ON),
    ):
        decision = decide(PROFILES[key], limits, replace(READING, off_for=off_for), OFF)
        assert decision.relays == relays
    held = decide(PROFILES[key], limits, replace(READING, off_for=OffFor(1, 1)), OFF)
    assert held.charge_causes == (Cause(Rule.RESTART_DELAY, 60),)
    assert held.load_causes == (Cause(Rule.RESTART_DELAY, 30),)
    # What is on is not held.
    assert decide(PROFILES[key], limits, replace(READING, off_for=OffFor(0, 0)), ON).relays == ON
