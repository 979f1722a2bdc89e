"""What may be changed, in which order, and by which bytes."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
import json
from math import nan
from pathlib import Path
from random import Random

from hypothesis import assume, given, settings as how, strategies as st
import pytest

from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.errors import SettingFault, SettingRefusedError
from custom_components.smartbms.bms.settings import SETTINGS, Looser, SettingKey
from custom_components.smartbms.bms.writes import Change, Step, bounds, check, order, plan

HOME = Path(__file__).parents[2] / "custom_components" / "smartbms"
TRANSLATIONS = json.loads((HOME / "translations" / "en.json").read_text(encoding="utf-8"))
K = SettingKey
GEN2, GEN3 = Generation
NAMES = {key.value: setting.name for key, setting in SETTINGS.items()} | {"balance_voltage": "V balance"}

# LiFePO4 as the newest manual recommends; temperatures raw: 2, -10 and 60 degrees.
LIFEPO4: Mapping[SettingKey, float] = {
    K.SOLAR_PEAK_POWER: 3000,
    K.INVERTER_PEAK_POWER: 2500,
    K.CAPACITY: 4000,
    K.V_MIN: 2.9,
    K.V_MAX: 3.7,
    K.T_MIN_CHARGE: 273,
    K.T_MAX: 341,
    K.CHARGE_RESTART: 95,
    K.DISCHARGE_RESTART: 5,
    K.T_MIN_DISCHARGE: 259,
    K.V_LOW: 3.0,
    K.V_NOMINAL: 3.3,
    K.V_MIN_HYSTERESIS: 0.1,
    K.V_MAX_HYSTERESIS: 0.05,
    K.SENSOR_TYPE: 2,
    K.CRITICAL_MODE: 0,
    K.CHARGE_RELAY_OFF: 0,
    K.LOAD_RELAY_OFF: 0,
    K.USE_MEASURED_CAPACITY: 0,
    K.CHARGE_RESTART_DELAY: 60,
    K.DISCHARGE_RESTART_DELAY: 60,
    K.CHARGE_PAUSE_DELAY: 10,
    K.DISCHARGE_PAUSE_DELAY: 10,
    K.SOC_VOLTAGE_CORRECTION: 0,
    K.CHEMISTRY: 1,
    K.FULL_SYNC_TAIL_CURRENT: 2.0,
    K.CHARGE_RELAY_FORCE: 0,
    K.CHARGE_RELAY_FUNCTION: 1,
    K.CHARGE_RELAY_INVERT: 0,
    K.LOAD_RELAY_FORCE: 0,
    K.LOAD_RELAY_FUNCTION: 2,
    K.LOAD_RELAY_INVERT: 0,
}
BALANCE = 3.4


def refused(
    changes: Mapping[SettingKey, float],
    held: Mapping[SettingKey, float] = LIFEPO4,
    balance_voltage: float | None = BALANCE,
    generation: Generation = GEN3,
    *,
    unconfirmed: bool = False,
    scale: TemperatureScale = TemperatureScale.APP,
) -> tuple[SettingFault, dict[str, str]] | None:
    """Return why changes are refused and what the message says; `None` when they are not."""
    wanted = [Change(key, value) for key, value in changes.items()]
    try:
        check(wanted, held, balance_voltage, generation, unconfirmed=unconfirmed, scale=scale)
    except SettingRefusedError as err:
        return err.fault, {each: text.format_map(NAMES) for each, text in err.placeholders.items()}
    return None


def fault(
    changes: Mapping[SettingKey, float],
    held: Mapping[SettingKey, float] = LIFEPO4,
    balance_voltage: float | None = BALANCE,
    generation: Generation = GEN3,
) -> SettingFault | None:
    """Return why changes are refused."""
    reason = refused(changes, held, balance_voltage, generation)
    return None if reason is None else reason[0]


# One value alone.


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (K.V_MIN, 2.5),
        (K.V_MAX, 3.65),
        (K.T_MAX, TemperatureScale.APP.raw(45)),
        (K.CAPACITY, 2000),
        (K.SENSOR_TYPE, 11),
        (K.CHEMISTRY, 4),
        (K.CRITICAL_MODE, 1),
        (K.CHARGE_RELAY_FORCE, 2),
        (K.FULL_SYNC_TAIL_CURRENT, 51),
        (K.CHARGE_RESTART_DELAY, 327675),
        (K.SOLAR_PEAK_POWER, 0),
    ],
)
def test_what_an_owner_changes(key: SettingKey, value: float) -> None:
    """Ordinary changes of an ordinary pack are let through."""
    assert refused({key: value}) is None


def test_what_this_firmware_does_not_have() -> None:
    """Generation 2 has no V low; nothing is written where nothing can be read back."""
    held = {K.V_MIN: 2.7, K.V_MAX: 3.6}
    assert refused({K.V_LOW: 3.0}, held) == (SettingFault.MISSING, {"setting": "V low"})


def test_restart_percentages_are_only_tried_on_request() -> None:
    """Nobody knows their addresses, so nothing is written to them unless the owner says so."""
    assert refused({K.CHARGE_RESTART: 90}) == (SettingFault.UNCONFIRMED, {"setting": "Charge restart"})
    assert refused({K.CHARGE_RESTART: 90}, unconfirmed=True) is None
    assert refused({K.CHARGE_RESTART: 95}) is None


def test_one_setting_twice() -> None:
    """Which of the two would be meant is not guessed."""
    with pytest.raises(SettingRefusedError) as raised:
        check([Change(K.V_MIN, 2.8), Change(K.V_MIN, 2.8)], LIFEPO4, BALANCE, GEN3)
    assert raised.value.key == "setting_named_twice"
    assert raised.value.placeholders == {"setting": "{v_min}"}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (K.CHARGE_PAUSE_DELAY, 512, ("Charge pause delay", "512", "0", "510", "s")),
        (K.CAPACITY, 6553600, ("Battery capacity", "6553600", "0", "6553500", "Wh")),
        (K.V_MIN_HYSTERESIS, -0.01, ("V min hysteresis", "-0.01", "0", "2.55", "V")),
        (K.V_MAX, nan, ("V max", "nan", "0", "327.675", "V")),
        (K.T_MAX, nan, ("T max", "nan", "-232.1", "55931.4", "°C")),
    ],
)
def test_what_does_not_fit_the_bytes(key: SettingKey, value: float, told: tuple[str, ...]) -> None:
    """A byte ends at 255 and a word at 65535."""
    names = ("setting", "value", "low", "high", "unit")
    assert refused({key: value}) == (
        SettingFault.NOT_ENCODABLE,
        dict(zip(names, told, strict=True)),
    )


@pytest.mark.parametrize(
    ("key", "value", "generation", "told"),
    [
        (K.V_MIN, 1.4, GEN3, ("V min", "1.4", "1.5", "5", "V")),
        (K.V_MIN, 1.9, GEN2, ("V min", "1.9", "2", "5", "V")),
        (K.V_MAX, 5.005, GEN3, ("V max", "5.005", "1.5", "5", "V")),
        (K.V_MAX_HYSTERESIS, 0.51, GEN3, ("V max hysteresis", "0.51", "0", "0.5", "V")),
        (K.CAPACITY, 0, GEN3, ("Battery capacity", "0", "100", "6553500", "Wh")),
        (K.T_MAX, 371, GEN3, ("T max", "85.8", "-40.1", "85", "°C")),
        (K.T_MIN_DISCHARGE, 365, GEN3, ("T min discharge", "80.7", "-40.1", "79.8", "°C")),
    ],
)
def test_what_makes_no_sense(
    key: SettingKey, value: float, generation: Generation, told: tuple[str, ...]
) -> None:
    """The specifications of the cells end at these voltages and temperatures."""
    names = ("setting", "value", "low", "high", "unit")
    assert refused({key: value}, generation=generation) == (
        SettingFault.NOT_SANE,
        dict(zip(names, told, strict=True)),
    )


def test_the_message_is_in_the_degrees_that_the_owner_sees() -> None:
    """Raw 371 is 95 degrees by the serial protocol document."""
    reason = refused({K.T_MAX: 371}, scale=TemperatureScale.DOCUMENT)
    assert reason is not None
    assert (reason[1]["value"], reason[1]["high"]) == ("95", "94")


def test_generation_3_goes_down_to_1_5_volts() -> None:
    """1.9 V is for LTO cells on generation 3."""
    held = {K.V_MIN: 2.15, K.V_MAX: 2.8}
    assert fault({K.V_MIN: 1.9}, held, 2.6) is None
    assert fault({K.V_MIN: 1.9}, held, 2.6, GEN2) is SettingFault.NOT_SANE


@pytest.mark.parametrize(
    ("key", "value", "codes"),
    [
        (K.SENSOR_TYPE, 3, "0, 1, 2, 11"),
        (K.CHEMISTRY, 5, "0, 1, 2, 3, 4"),
        (K.LOAD_RELAY_FUNCTION, 0, "1, 2, 3, 4"),
        (K.LOAD_RELAY_FORCE, 3, "0, 1, 2"),
        (K.CRITICAL_MODE, 2, "0, 1"),
    ],
)
def test_codes_are_a_closed_set(key: SettingKey, value: float, codes: str) -> None:
    """What the app does not offer is not written."""
    told = {"setting": SETTINGS[key].name, "value": str(value), "codes": codes}
    assert refused({key: value}) == (SettingFault.NOT_A_CODE, told)


# Values against each other.


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (K.V_MIN, 2.985, ("V min", "2.985", "V low", "3", "0.02", "V")),
        (K.V_LOW, 3.285, ("V low", "3.285", "V nominal", "3.3", "0.02", "V")),
        (K.V_NOMINAL, 3.385, ("V nominal", "3.385", "V balance", "3.4", "0.02", "V")),
        (K.V_MAX, 3.415, ("V balance", "3.4", "V max", "3.415", "0.02", "V")),
        (K.V_LOW, 2.915, ("V min", "2.9", "V low", "2.915", "0.02", "V")),
        (K.V_NOMINAL, 3.72, ("V nominal", "3.72", "V balance", "3.4", "0.02", "V")),
    ],
)
def test_thresholds_in_order(key: SettingKey, value: float, told: tuple[str, ...]) -> None:
    """V min, V low, V nominal, V balance and V max rise, each by 20 mV at least."""
    names = ("lower", "lower_value", "upper", "upper_value", "gap", "unit")
    assert refused({key: value}) == (
        SettingFault.VOLTAGE_ORDER,
        dict(zip(names, told, strict=True)),
    )


@pytest.mark.parametrize(
    ("key", "value"), [(K.V_MIN, 2.98), (K.V_LOW, 3.28), (K.V_NOMINAL, 3.38), (K.V_MAX, 3.47)]
)
def test_twenty_millivolts_apart(key: SettingKey, value: float) -> None:
    """That is as far as two voltages can be told apart."""
    assert refused({key: value}) is None


def test_thresholds_of_generation_2() -> None:
    """There is nothing between V min, V balance and V max, and still they rise."""
    held = {K.V_MIN: 2.7, K.V_MAX: 3.6}
    assert fault({K.V_MIN: 3.4}, held, 3.4, GEN2) is SettingFault.VOLTAGE_ORDER
    assert fault({K.V_MIN: 3.4}, held, None, GEN2) is None
    assert fault({K.V_MIN: 3.4}, held, 0.0, GEN2) is None
    assert fault({K.V_MIN: 3.59}, held, None, GEN2) is SettingFault.VOLTAGE_ORDER


def test_what_was_never_set_is_no_limit() -> None:
    """A V low or V nominal of 0 V is one that nobody set."""
    held = {**LIFEPO4, K.V_LOW: 0.0, K.V_NOMINAL: 0.0}
    assert fault({K.V_MIN: 3.1}, held) is None
    assert fault({K.V_LOW: 2.91}, held) is SettingFault.VOLTAGE_ORDER


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {K.V_MIN_HYSTERESIS: 0.49},
            ("V min + V min hysteresis", "3.39", "V balance", "3.4", "0.02", "V"),
        ),
        (
            {K.V_MIN_HYSTERESIS: 0.45, K.V_MAX_HYSTERESIS: 0.4},
            ("V min + V min hysteresis", "3.35", "V max - V max hysteresis", "3.3", "0.02", "V"),
        ),
    ],
)
def test_hysteresis_inside_the_gap(changes: Mapping[SettingKey, float], told: tuple[str, ...]) -> None:
    """Otherwise a relay that went off would not come on again."""
    names = ("lower", "lower_value", "upper", "upper_value", "gap", "unit")
    assert refused(changes) == (SettingFault.HYSTERESIS, dict(zip(names, told, strict=True)))


def test_hysteresis_alone() -> None:
    """Firmware with one of the two, or an unknown balance voltage."""
    held = {K.V_MIN: 3.3, K.V_MAX: 3.7, K.V_MIN_HYSTERESIS: 0.1}
    assert fault({K.V_MIN_HYSTERESIS: 0.38}, held, None) is None
    assert fault({K.V_MIN_HYSTERESIS: 0.39}, held, None) is SettingFault.HYSTERESIS
    held = {K.V_MIN: 3.3, K.V_MAX: 3.7, K.V_MAX_HYSTERESIS: 0.1}
    assert fault({K.V_MAX_HYSTERESIS: 0.38}, held, None) is None
    assert fault({K.V_MAX_HYSTERESIS: 0.39}, held, None) is SettingFault.HYSTERESIS


def test_temperatures_in_order() -> None:
    """T max stays above both T min, by more than the accuracy of a temperature."""
    names = ("lower", "lower_value", "upper", "upper_value", "gap", "unit")
    told = dict(zip(names, ("T min charge", "1.9", "T max", "5.3", "4.3", "°C"), strict=True))
    assert refused({K.T_MAX: 277}) == (SettingFault.TEMPERATURE_ORDER, told)
    assert refused({K.T_MAX: 278}) is None
    assert fault({K.T_MIN_DISCHARGE: 337}) is SettingFault.TEMPERATURE_ORDER
    assert fault({K.T_MIN_DISCHARGE: 336}) is None


def test_restart_percentages_in_order() -> None:
    """The load comes back before charging does."""
    told = {
        "lower": "Discharge restart",
        "lower_value": "95",
        "upper": "Charge restart",
        "upper_value": "95",
        "gap": "1",
        "unit": "%",
    }
    assert refused({K.DISCHARGE_RESTART: 95}, unconfirmed=True) == (SettingFault.RESTART_ORDER, told)
    assert refused({K.DISCHARGE_RESTART: 94}, unconfirmed=True) is None


def test_changes_are_judged_together() -> None:
    """From LiFePO4 to LTO, each value alone would be refused."""
    lto = {K.V_MIN: 2.15, K.V_LOW: 2.2, K.V_NOMINAL: 2.3, K.V_MAX: 2.8}
    assert fault(lto, balance_voltage=2.6) is None
    assert fault({K.V_MAX: 2.8}, balance_voltage=2.6) is SettingFault.VOLTAGE_ORDER


def test_what_is_wrong_already_blocks_nothing_else() -> None:
    """Somebody set V max below V balance: everything else can be set, and V max be mended in steps."""
    held = {**LIFEPO4, K.V_MAX: 3.35}
    assert fault({K.T_MAX: 330}, held) is None
    assert fault({K.V_MIN: 2.8}, held) is None
    assert fault({K.V_MAX: 3.38}, held) is None
    assert fault({K.V_MAX: 3.34}, held) is SettingFault.VOLTAGE_ORDER
    assert fault({K.V_MAX: 3.35}, held) is None
    assert fault({K.V_MAX: 6.0}, {**LIFEPO4, K.V_MAX: 6.0}) is None


EXAMPLES: dict[SettingFault, tuple[dict[SettingKey, float], str]] = {
    SettingFault.MISSING: (
        {K.T_MIN_DISCHARGE: 260},
        "This BMS has no T min discharge: its firmware does not show it.",
    ),
    SettingFault.UNCONFIRMED: (
        {K.DISCHARGE_RESTART: 10},
        (
            "Nobody knows for certain where the BMS keeps Discharge restart, so it was not written. The option "
            "Try unconfirmed addresses allows an attempt."
        ),
    ),
    SettingFault.NOT_ENCODABLE: (
        {K.CAPACITY: 6553600},
        "Battery capacity cannot be 6553600 Wh: the BMS can hold 0 to 6553500 Wh.",
    ),
    SettingFault.NOT_SANE: ({K.V_MIN: 1.4}, "V min cannot be 1.4 V: only 1.5 to 5 V make sense."),
    SettingFault.NOT_A_CODE: ({K.CHEMISTRY: 5}, "Chemistry cannot be 5: the codes are 0, 1, 2, 3, 4."),
    SettingFault.VOLTAGE_ORDER: (
        {K.V_MAX: 3.4},
        (
            "V balance would be 3.4 V and V max 3.4 V. V min, V low, V nominal, V balance and V max have to rise "
            "by 0.02 V at least. V balance is set with the option switches of the first board."
        ),
    ),
    SettingFault.HYSTERESIS: (
        {K.V_MIN_HYSTERESIS: 0.5},
        (
            "V min + V min hysteresis would be 3.4 V and V balance 3.4 V. They have to be 0.02 V apart at least, "
            "or a relay that went off does not come on again."
        ),
    ),
    SettingFault.TEMPERATURE_ORDER: (
        {K.T_MAX: 273},
        "T min charge would be 1.9 °C and T max 1.9 °C. T max has to be higher by 4.3 °C at least.",
    ),
}


@pytest.mark.parametrize("fault", list(EXAMPLES))
def test_what_the_owner_reads(fault: SettingFault) -> None:
    """Every message names the setting, and both values where there are two."""
    changes, message = EXAMPLES[fault]
    held = dict(LIFEPO4)
    del held[K.T_MIN_DISCHARGE]
    reason = refused(changes, held)
    assert reason is not None
    found, placeholders = reason
    assert found is fault
    assert TRANSLATIONS["exceptions"][fault.value]["message"].format(**placeholders) == message


# Limits.


def test_limits_follow_the_other_thresholds() -> None:
    """A number can be set as far as the next threshold allows."""
    assert bounds(K.V_MIN, LIFEPO4, BALANCE, GEN3) == (1.5, 2.98)
    assert bounds(K.V_LOW, LIFEPO4, BALANCE, GEN3) == (2.92, 3.28)
    assert bounds(K.V_NOMINAL, LIFEPO4, BALANCE, GEN3) == (3.02, 3.38)
    assert bounds(K.V_MAX, LIFEPO4, BALANCE, GEN3) == (3.42, 5.0)
    assert bounds(K.V_MIN_HYSTERESIS, LIFEPO4, BALANCE, GEN3) == (0, 0.48)
    assert bounds(K.T_MAX, LIFEPO4, BALANCE, GEN3) == (278, 370)
    assert bounds(K.CHARGE_RESTART, LIFEPO4, BALANCE, GEN3) == (6, 100)
    assert bounds(K.CAPACITY, LIFEPO4, BALANCE, GEN3) == (100, 6553500)
    assert bounds(K.V_MIN, {K.V_MIN: 2.7, K.V_MAX: 3.6}, 3.4, GEN2) == (2.0, 3.38)


def test_limits_when_the_others_leave_nothing() -> None:
    """Then the sane range is shown, and an attempt is told what is in the way."""
    held = {K.V_MIN: 5.5, K.V_LOW: 0.0, K.V_MAX: 3.7}
    assert bounds(K.V_LOW, held, BALANCE, GEN3) == (1.5, 5.0)
    assert fault({K.V_LOW: 3.0}, held) is SettingFault.VOLTAGE_ORDER


def of(key: SettingKey) -> st.SearchStrategy[float]:
    """Return everything that a setting could hold and a little more than what makes sense."""
    setting = SETTINGS[key]
    low, high = (setting.count(limit) for limit in setting.sane)
    top = setting.count(setting.encodable[1])
    return st.integers(max(0, low - 3), min(top, high + 3)).map(setting.value)


THRESHOLDS = tuple(
    key
    for key in SettingKey
    if key.value.startswith(("v_", "t_m")) or key in (K.CHARGE_RESTART, K.DISCHARGE_RESTART)
)
# Any state of the thresholds, sensible or not, some of them never set or not there.
STATES = st.fixed_dictionaries(
    {K.V_MIN: of(K.V_MIN), K.V_MAX: of(K.V_MAX)},
    optional={key: of(key) | st.just(0.0) for key in THRESHOLDS if key not in (K.V_MIN, K.V_MAX)},
)
BALANCES = st.none() | st.sampled_from([0.0, 1.9, 2.6, 3.4, 4.0])
MANY = how(max_examples=300, deadline=None, database=None)


@MANY
@given(STATES, BALANCES, st.sampled_from(Generation), st.data())
def test_limits_are_what_is_refused(
    held: dict[SettingKey, float],
    balance_voltage: float | None,
    generation: Generation,
    data: st.DataObject,
) -> None:
    """A value within the limits is let through; another is refused, unless it is held already."""
    key = data.draw(st.sampled_from(sorted(held)))
    low, high = bounds(key, held, balance_voltage, generation)
    value = data.draw(of(key) | st.sampled_from([low, high]))
    if (low, high) == SETTINGS[key].sane_range(generation) or value == held[key]:
        return
    allowed = refused({key: value}, held, balance_voltage, generation, unconfirmed=True) is None
    assert allowed == (low <= value <= high)


# Several at once.


def test_from_lifepo4_to_lto_and_back() -> None:
    """What gives room goes first: no threshold ever passes another."""
    lto = {**LIFEPO4, K.V_MIN: 2.15, K.V_LOW: 2.2, K.V_NOMINAL: 2.3, K.V_MAX: 2.8}
    keys = (K.V_MAX, K.V_NOMINAL, K.V_LOW, K.V_MIN)
    there = order([Change(key, lto[key]) for key in keys], LIFEPO4)
    assert [change.key for change in there] == [K.V_MIN, K.V_LOW, K.V_NOMINAL, K.V_MAX]
    back = order([Change(key, LIFEPO4[key]) for key in reversed(keys)], lto)
    assert [change.key for change in back] == [K.V_MAX, K.V_NOMINAL, K.V_LOW, K.V_MIN]


def test_what_was_never_set_comes_last() -> None:
    """V nominal is set for the first time, between thresholds that have found their place."""
    held = {**LIFEPO4, K.V_LOW: 3.35, K.V_NOMINAL: 0.0}
    changes = [Change(K.V_NOMINAL, 3.3), Change(K.V_LOW, 3.0), Change(K.SENSOR_TYPE, 1)]
    assert [change.key for change in order(changes, held)] == [K.SENSOR_TYPE, K.V_LOW, K.V_NOMINAL]


@st.composite
def thresholds(draw: st.DrawFn) -> dict[SettingKey, float]:
    """Return thresholds that are mostly in order, around a balance voltage of 3.4 V."""
    below = st.integers(300, 680).map(lambda count: count / 200)
    v_min, v_low, v_nominal = sorted(draw(st.lists(below, min_size=3, max_size=3)))
    cold, warm = draw(st.integers(224, 320)), draw(st.integers(290, 370))
    return {
        K.V_MIN: v_min,
        K.V_LOW: v_low,
        K.V_NOMINAL: v_nominal,
        K.V_MAX: draw(st.integers(680, 1000)) / 200,
        K.V_MIN_HYSTERESIS: draw(st.integers(0, 50)) / 100,
        K.V_MAX_HYSTERESIS: draw(st.integers(0, 50)) / 100,
        K.T_MIN_CHARGE: cold,
        K.T_MIN_DISCHARGE: draw(st.integers(224, 320)),
        K.T_MAX: warm,
        K.CHARGE_RESTART: draw(st.integers(20, 100)),
        K.DISCHARGE_RESTART: draw(st.integers(0, 40)),
    }


UNSET = st.sets(st.sampled_from([K.V_LOW, K.V_NOMINAL, K.T_MIN_DISCHARGE, K.CHARGE_RESTART]))


@MANY
@given(thresholds(), UNSET, thresholds(), st.randoms(use_true_random=False))
def test_every_state_in_between_is_let_through(
    held: dict[SettingKey, float],
    unset: set[SettingKey],
    wanted: dict[SettingKey, float],
    dice: Random,
) -> None:
    """Whatever is let through as a whole is let through after each of its changes."""
    held |= dict.fromkeys(unset, 0.0)
    assume(refused(wanted, held, unconfirmed=True) is None)
    changes = [Change(key, value) for key, value in wanted.items()]
    dice.shuffle(changes)
    ordered = order(changes, held)
    assert {change.key: change.value for change in ordered} == wanted
    for number in range(1, len(ordered) + 1):
        done = {change.key: change.value for change in ordered[:number]}
        assert refused(done, held, unconfirmed=True) is None


# Bytes.


def steps(key: SettingKey, old: float, new: float) -> list[tuple[int, int]]:
    """Return what is written to change a value."""
    setting = SETTINGS[key]
    written = plan(setting, setting.count(old), setting.count(new))
    return [(step.address, step.byte) for step in written]


@pytest.mark.parametrize(
    ("key", "old", "new", "written"),
    [
        # Only what differs: 3.70 V is 02 E4, 3.60 V is 02 D0.
        (K.V_MAX, 3.7, 3.6, [(0x051, 0xD0)]),
        (K.V_MAX, 3.7, 3.7, []),
        # 01 F4 to 02 08. Over 3.78 V the load is off for a moment; over 1.32 V it would be unprotected.
        (K.V_MIN, 2.5, 2.6, [(0x040, 0x02), (0x041, 0x08)]),
        (K.V_MIN, 2.6, 2.5, [(0x041, 0xF4), (0x040, 0x01)]),
        # 02 E4 to 03 20: never over 4.98 V.
        (K.V_MAX, 3.7, 4.0, [(0x051, 0x20), (0x050, 0x03)]),
        (K.V_MAX, 4.0, 3.7, [(0x050, 0x02), (0x051, 0xE4)]),
        # 01 03 to 00 F7: T min discharge from -10 to -20 degrees.
        (K.T_MIN_DISCHARGE, 259, 247, [(0x063, 0xF7), (0x062, 0x00)]),
        # Never a capacity of nothing.
        (K.CAPACITY, 25600, 25500, [(0x031, 0xFF), (0x030, 0x00)]),
        # What protects nothing goes as the app does it: high byte first.
        (K.SOLAR_PEAK_POWER, 2550, 2560, [(0x010, 0x01), (0x011, 0x00)]),
        (K.CHARGE_RELAY_FORCE, 0, 2, [(0x342, 0x02)]),
        # Nobody has tried these.
        (K.CHARGE_RESTART, 95, 90, [(0x080, 0x5A)]),
        (K.DISCHARGE_RESTART, 5, 10, [(0x081, 0x0A)]),
    ],
)
def test_bytes(key: SettingKey, old: float, new: float, written: list[tuple[int, int]]) -> None:
    """The safer byte goes first, and a byte that stays is not written."""
    assert steps(key, old, new) == written


def states(key: SettingKey, old: int, written: tuple[Step, ...]) -> Iterator[int]:
    """Yield what the device holds: before, and after every byte."""
    data = bytearray(old.to_bytes(len(SETTINGS[key].write_addresses)))
    yield old
    for step in written:
        data[SETTINGS[key].write_addresses.index(step.address)] = step.byte
        yield int.from_bytes(data)


WORDS = st.integers(0, 0xFFFF)


@MANY
@given(st.sampled_from(SettingKey), WORDS, WORDS)
def test_no_half_of_a_word_is_looser_than_both(key: SettingKey, old: int, new: int) -> None:
    """Every byte written arrives at the new value, by way of nothing that protects less."""
    setting = SETTINGS[key]
    size = 256 ** len(setting.write_addresses)
    old, new = old % size, new % size
    held = list(states(key, old, plan(setting, old, new)))
    assert held[-1] == new
    assert all(before != after for before, after in pairwise(held))
    if setting.looser is Looser.HIGHER:
        assert max(held) == max(old, new)
    if setting.looser is Looser.LOWER:
        assert min(held) == min(old, new)


@pytest.mark.parametrize(("old", "new"), [(5, 256), (256, 5), (5, -1)])
def test_counts_that_fit_no_byte(old: int, new: int) -> None:
    """Nothing is cut off to fit, and what could not be put back is not changed."""
    with pytest.raises(SettingRefusedError) as raised:
        plan(SETTINGS[K.CHARGE_PAUSE_DELAY], old, new)
    assert raised.value.fault is SettingFault.NOT_ENCODABLE
