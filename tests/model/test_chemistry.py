"""The recommended thresholds of each manual, and what the thresholds say of the cells."""

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.model.chemistry import (
    Chemistry,
    Identified,
    Recommendation,
    Sureness,
    advised,
    identify,
    recommended,
)
from custom_components.smartbms.model.profiles import ProfileKey

V_MIN, V_MAX, V_NOMINAL = SettingKey.V_MIN, SettingKey.V_MAX, SettingKey.V_NOMINAL


@pytest.mark.parametrize(
    ("manual", "chemistry", "numbers"),
    [
        (ProfileKey.GEN3_EARLY, Chemistry.LIFEPO4, (2.9, 3.4, 3.7, None)),
        (ProfileKey.GEN3_EARLY, Chemistry.LTO, (2.15, 2.6, 2.7, None)),
        (ProfileKey.GEN3_EARLY, Chemistry.NMC, (3.43, 4.0, 4.1, None)),
        (ProfileKey.GEN3_EARLY, Chemistry.LI_ION, (3.43, 4.1, 4.15, None)),
        (ProfileKey.GEN3_REV6, Chemistry.LIFEPO4, (3.0, 3.4, 3.7, None)),
        (ProfileKey.GEN3_REV6, Chemistry.LTO, (2.15, 2.6, 2.7, None)),
        (ProfileKey.GEN3_REV6, Chemistry.NMC, (3.43, 4.0, 4.1, None)),
        (ProfileKey.GEN3_REV6, Chemistry.LI_ION, (3.43, 4.1, 4.15, None)),
        (ProfileKey.GEN3_REV13, Chemistry.LIFEPO4, (2.9, 3.4, 3.7, 3.3)),
        (ProfileKey.GEN3_REV13, Chemistry.LTO, (2.15, 2.6, 2.8, 2.3)),
        (ProfileKey.GEN3_REV13, Chemistry.NMC, (3.49, 4.0, 4.15, 3.7)),
        (ProfileKey.GEN3_REV13, Chemistry.NCA, (3.40, 4.0, 4.15, 3.7)),
    ],
)
def test_what_the_manuals_recommend(
    manual: ProfileKey, chemistry: Chemistry, numbers: tuple[float, float, float, float | None]
) -> None:
    """Every row of every manual's table."""
    assert recommended(manual, chemistry) == Recommendation(*numbers)


@pytest.mark.parametrize(
    ("manual", "chemistry"),
    [
        (ProfileKey.GEN2, Chemistry.LIFEPO4),
        (ProfileKey.GEN3_EARLY, Chemistry.NCA),
        (ProfileKey.GEN3_REV6, Chemistry.NCA),
        (ProfileKey.GEN3_REV13, Chemistry.LI_ION),
        (ProfileKey.GEN3_REV13, Chemistry.OTHER),
    ],
)
def test_what_a_manual_does_not_list(manual: ProfileKey, chemistry: Chemistry) -> None:
    """Generation 2 has no table, revision 13 dropped Li-ion and brought NCA."""
    assert recommended(manual, chemistry) is None


def test_another_manual_speaks_where_ones_own_is_silent() -> None:
    """The newest that knows the cells; of cells that nobody names nobody speaks."""
    assert advised(ProfileKey.GEN3_REV6, Chemistry.LIFEPO4) == Recommendation(3.0, 3.4, 3.7)
    assert advised(ProfileKey.GEN2, Chemistry.LIFEPO4) == Recommendation(2.9, 3.4, 3.7, 3.3)
    assert advised(ProfileKey.GEN3_REV13, Chemistry.LI_ION) == Recommendation(3.43, 4.1, 4.15)
    assert advised(ProfileKey.GEN3_REV13, Chemistry.OTHER) is None


@pytest.mark.parametrize(
    ("code", "chemistry"),
    [
        (0, Chemistry.OTHER),
        (1, Chemistry.LIFEPO4),
        (2, Chemistry.LTO),
        (3, Chemistry.NMC),
        (4, Chemistry.NCA),
    ],
)
def test_what_the_bms_is_told(code: int, chemistry: Chemistry) -> None:
    """The setting counts, whatever the thresholds look like."""
    settings = {SettingKey.CHEMISTRY: float(code), V_MAX: 3.7}
    assert identify(settings) == Identified(chemistry, Sureness.TOLD)


def test_a_code_that_nobody_knows() -> None:
    """It says nothing, and nothing is guessed over it."""
    assert identify({SettingKey.CHEMISTRY: 9.0, V_MAX: 3.7}) is None


@pytest.mark.parametrize(
    ("settings", "chemistry"),
    [
        ({V_MIN: 2.7, V_MAX: 3.6}, Chemistry.LIFEPO4),
        ({V_MIN: 3.0, V_MAX: 3.7, V_NOMINAL: 3.3}, Chemistry.LIFEPO4),
        ({V_MIN: 3.0, V_MAX: 3.7, V_NOMINAL: 0.0}, Chemistry.LIFEPO4),
        ({V_MIN: 2.15, V_MAX: 2.7}, Chemistry.LTO),
        ({V_MIN: 2.15, V_MAX: 2.8, V_NOMINAL: 2.3}, Chemistry.LTO),
        ({V_MIN: 3.43, V_MAX: 4.1}, Chemistry.NMC),
        ({V_MIN: 3.49, V_MAX: 4.15, V_NOMINAL: 3.7}, Chemistry.NMC),
        ({V_MIN: 3.4, V_MAX: 4.15, V_NOMINAL: 3.7}, Chemistry.NCA),
    ],
)
def test_what_the_thresholds_look_like(settings: dict[SettingKey, float], chemistry: Chemistry) -> None:
    """The screenshot of generation 2 and every table are recognised; a guess is called one."""
    assert identify(settings) == Identified(chemistry, Sureness.GUESSED)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {V_MIN: 2.9},
        {V_MAX: 0.0},
        {V_MAX: 4.15},
        {V_MIN: 2.9, V_MAX: 4.15},
        {V_MIN: 2.9, V_MAX: 3.7, V_NOMINAL: 3.7},
        {V_MIN: 2.9, V_MAX: 4.0},
    ],
)
def test_what_is_not_clear_is_not_guessed(settings: dict[SettingKey, float]) -> None:
    """Too little, a contradiction, or a number that two kinds of cells share."""
    assert identify(settings) is None
