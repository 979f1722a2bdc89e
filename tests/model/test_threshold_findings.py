"""Settings that contradict each other, the cells, or the advice of the manual."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.model.diagnosis import Circumstances, Evidence, FindingKey, Severity, findings
from custom_components.smartbms.model.profiles import PROFILES, ProfileKey

from .looks import NOW, SETTINGS, found, seen

CONTRADICT = FindingKey.THRESHOLDS_CONTRADICT
UNUSUAL = FindingKey.THRESHOLDS_UNUSUAL
UNFIT = FindingKey.BALANCE_VOLTAGE_UNFIT
CAPACITY = FindingKey.CAPACITY_ABOVE_ADVICE
K = SettingKey


def with_settings(**settings: float) -> Snapshot:
    """Return a pack with some settings changed."""
    return seen(settings={SettingKey(name): value for name, value in settings.items()})


def test_settings_in_order() -> None:
    """The recommended thresholds give no reason for anything."""
    assert found(Evidence(), seen()) == {}


@pytest.mark.parametrize(
    ("settings", "evidence"),
    [
        ({"v_min": 3.7}, ("v_min", 3.7, "v_max", 3.7, "V")),
        ({"v_min": 3.2, "v_low": 3.1}, ("v_min", 3.2, "v_low", 3.1, "V")),
        ({"v_low": 3.7}, ("v_low", 3.7, "v_max", 3.7, "V")),
        ({"t_min_charge": 341.0}, ("t_min_charge", 60.1, "t_max", 60.1, "°C")),
        ({"t_min_discharge": 351.0}, ("t_min_discharge", 68.7, "t_max", 60.1, "°C")),
        (
            {"discharge_restart": 96.0},
            ("discharge_restart", 96.0, "charge_restart", 95.0, "%"),
        ),
    ],
)
def test_thresholds_that_contradict(
    settings: dict[str, float], evidence: tuple[str, float, str, float, str]
) -> None:
    """The lower one is not lower; both are named with their values."""
    finding = found(Evidence(), with_settings(**settings))[CONTRADICT]
    assert finding.severity is Severity.ERROR
    assert tuple(finding.evidence.values()) == evidence
    assert list(finding.evidence) == ["lower", "lower_value", "upper", "upper_value", "unit"]


@pytest.mark.parametrize("settings", [{"v_low": 2.9}, {"v_low": 0.0}, {"v_low": 0.0, "v_min": 2.8}])
def test_a_v_low_that_warns_late_or_never(settings: dict[str, float]) -> None:
    """At V min it comes with the alarm, at 0 it was never set; neither contradicts anything."""
    assert CONTRADICT not in found(Evidence(), with_settings(**settings))


def test_temperatures_on_the_scale_of_the_owner() -> None:
    """The serial document counts 65 degrees where the app counts 60.1."""
    snapshot = replace(with_settings(t_min_charge=341.0), temperature_scale=TemperatureScale.DOCUMENT)
    assert found(Evidence(), snapshot)[CONTRADICT].evidence["upper_value"] == 65.0


@pytest.mark.parametrize(
    ("settings", "is_found"),
    [
        ({"v_max": 3.75}, False),
        ({"v_max": 3.8}, True),
        ({"v_max": 3.5}, False),
        ({"v_min": 2.65}, False),
        ({"v_min": 2.6}, True),
        ({"v_min": 3.1, "v_low": 3.2}, False),
        ({"chemistry": 2.0}, True),
        ({"chemistry": 0.0, "v_max": 4.5}, False),
    ],
)
def test_thresholds_unusual_for_the_cells(settings: dict[str, float], is_found: bool) -> None:
    """Only what harms the cells: V max well above, V min well below what is recommended."""
    assert (UNUSUAL in found(Evidence(), with_settings(**settings))) is is_found


def test_what_would_be_usual() -> None:
    """The numbers of the manual stand beside those of the BMS, which was told the chemistry."""
    finding = found(Evidence(), with_settings(v_max=3.9))[UNUSUAL]
    assert finding.severity is Severity.WARNING
    assert finding.evidence == {
        "chemistry": "LiFePO4",
        "v_min": 2.9,
        "v_max": 3.9,
        "recommended_v_min": 2.9,
        "recommended_v_max": 3.7,
    }


def test_a_guess_is_no_warning() -> None:
    """A BMS that was told no chemistry may have cells that nobody thought of."""
    settings = dict(SETTINGS) | {K.V_MAX: 3.8}
    del settings[K.CHEMISTRY]
    finding = found(Evidence(), replace(seen(), settings=settings))[UNUSUAL]
    assert finding.severity is Severity.NOTICE


@pytest.mark.parametrize(
    ("balance", "evidence"),
    [
        (3.3, None),
        (3.5, None),
        (3.6, (3.6, 3.3, 3.5)),
        (3.2, (3.2, 3.3, 3.5)),
        (3.7, (3.7, 2.9, 3.7)),
        (2.9, (2.9, 2.9, 3.7)),
    ],
)
def test_a_balance_voltage_that_does_not_fit(
    balance: float, evidence: tuple[float, float, float] | None
) -> None:
    """More than a switch step from 3.4 V, or not between V min and V max."""
    finding = found(Evidence(), seen(balance=balance)).get(UNFIT)
    assert (finding and tuple(finding.evidence.values())) == evidence
    assert finding is None or finding.severity is Severity.WARNING


def test_a_balance_voltage_for_cells_that_are_not_known() -> None:
    """Between V min and V max anything may be right."""
    assert UNFIT not in found(Evidence(), replace(seen(balance=3.6), settings={K.V_MIN: 2.9, K.V_MAX: 4.0}))
    assert UNFIT not in found(Evidence(), with_settings(chemistry=0.0))


def test_a_balance_voltage_between_contradicting_thresholds() -> None:
    """That the thresholds contradict is said once."""
    assert set(found(Evidence(), with_settings(v_min=3.8))) == {CONTRADICT}


def test_balancing_switched_off() -> None:
    """Option switches 4 to 8 are all off."""
    finding = found(Evidence(), seen(balance=0.0))[FindingKey.BALANCING_OFF]
    assert (finding.severity, finding.evidence) == (Severity.WARNING, {})


@pytest.mark.parametrize(
    ("manual", "capacity", "advised"),
    [
        (ProfileKey.GEN2, 1900.0, None),
        (ProfileKey.GEN2, 2000.0, 1920),
        (ProfileKey.GEN3_EARLY, 2000.0, None),
        (ProfileKey.GEN3_EARLY, 2100.0, 2048),
        (ProfileKey.GEN3_REV6, 2600.0, 2048),
        (ProfileKey.GEN3_REV13, 2600.0, None),
    ],
)
def test_the_capacity_of_the_manuals_example(
    manual: ProfileKey, capacity: float, advised: int | None
) -> None:
    """Four cells of 200 Ah are 2560 Wh: 1.9 kWh by MAN2, 2.0 kWh by MANG and MAN6, no advice by MAN13."""
    snapshot = with_settings(capacity=capacity)
    circumstances = Circumstances(rated_capacity=2560)
    every = findings(Evidence(), PROFILES[manual], snapshot, NOW, circumstances)
    advices = [finding.evidence["advised"] for finding in every if finding.key is CAPACITY]
    assert advices == ([] if advised is None else [advised])
    assert not [
        each for each in findings(Evidence(), PROFILES[manual], snapshot, NOW) if each.key is CAPACITY
    ]


def test_a_capacity_as_near_as_it_can_be_set() -> None:
    """75 % of 2500 Wh is 1875 Wh, and the BMS takes hundreds: 1900 Wh follows the advice."""
    for capacity, is_found in ((1900.0, False), (2000.0, True)):
        every = findings(
            Evidence(),
            PROFILES[ProfileKey.GEN2],
            with_settings(capacity=capacity),
            NOW,
            Circumstances(rated_capacity=2500),
        )
        assert bool([each for each in every if each.key is CAPACITY]) is is_found
