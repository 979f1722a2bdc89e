"""Checks of the settings: thresholds against each other, against the cells, against the manual.

Margins are our choice; a manual only says what it recommends.
"""

from typing import Final

from ..bms.settings import SETTINGS, SettingKey, Unit
from .chemistry import Identified, Recommendation, Sureness, advised, identify
from .finding import Case, Finding, FindingKey, Severity

# The manuals' own recommendations differ by up to 0.1 V, and the screenshot of MAN2 has V min 0.2 V
# below what the others recommend. Only the side that harms the cells is unusual.
_BELOW_V_MIN: Final = 0.25
_ABOVE_V_MAX: Final = 0.05
# One step of the option switches, and the resolution of the voltages.
_SWITCH_STEP: Final = 0.1
_RESOLUTION: Final = 0.005
# The capacity is set in steps of 100 Wh.
_HALF_A_STEP: Final = 50.0

_K = SettingKey
# Lower | higher | whether they may be equal, where that only makes the early warning late.
_ORDER: Final = (
    (_K.V_MIN, _K.V_MAX, False),
    (_K.V_MIN, _K.V_LOW, True),
    (_K.V_LOW, _K.V_MAX, False),
    (_K.T_MIN_CHARGE, _K.T_MAX, False),
    (_K.T_MIN_DISCHARGE, _K.T_MAX, False),
    (_K.DISCHARGE_RESTART, _K.CHARGE_RESTART, False),
)


def thresholds_contradict(case: Case) -> Finding | None:
    """Find two thresholds that leave nothing between them."""
    settings = case.snapshot.settings
    for lower, upper, may_be_equal in _ORDER:
        low, high = settings.get(lower), settings.get(upper)
        if low is None or high is None or low < high or (may_be_equal and low == high):
            continue
        # A V low of 0 is one that was never set.
        if _K.V_LOW in (lower, upper) and not settings.get(_K.V_LOW):
            continue
        unit = SETTINGS[lower].unit
        if unit is Unit.RAW_TEMPERATURE:
            scale = case.snapshot.temperature_scale
            low, high = scale.celsius(round(low)), scale.celsius(round(high))
        return Finding(
            FindingKey.THRESHOLDS_CONTRADICT,
            Severity.ERROR,
            {
                "lower": lower.value,
                "lower_value": low,
                "upper": upper.value,
                "upper_value": high,
                "unit": "°C" if unit is Unit.RAW_TEMPERATURE else unit.value,
            },
        )
    return None


def _advice(case: Case) -> tuple[Identified, Recommendation] | None:
    """Return what the cells are and what is recommended for them, where both are known."""
    if (identified := identify(case.snapshot.settings)) is None:
        return None
    advice = advised(case.profile.key, identified.chemistry)
    return None if advice is None else (identified, advice)


def _severity(identified: Identified) -> Severity:
    """Return how much it matters: a guess is not for the owner to act on."""
    return Severity.WARNING if identified.sureness is Sureness.TOLD else Severity.NOTICE


def thresholds_unusual(case: Case) -> Finding | None:
    """Find V min or V max on the harmful side of what is recommended for the cells."""
    v_min, v_max = case.snapshot.settings.get(_K.V_MIN), case.snapshot.settings.get(_K.V_MAX)
    known = _advice(case)
    if known is None or v_min is None or v_max is None:
        return None
    identified, advice = known
    lowest, highest = advice.v_min - _BELOW_V_MIN, advice.v_max + _ABOVE_V_MAX
    if lowest - _RESOLUTION / 2 <= v_min and v_max <= highest + _RESOLUTION / 2:
        return None
    return Finding(
        FindingKey.THRESHOLDS_UNUSUAL,
        _severity(identified),
        {
            "chemistry": identified.chemistry.value,
            "v_min": v_min,
            "v_max": v_max,
            "recommended_v_min": advice.v_min,
            "recommended_v_max": advice.v_max,
        },
    )


def balance_voltage_unfit(case: Case) -> Finding | None:
    """Find a balance voltage outside V min and V max, or more than a switch step from the right one."""
    balance, settings = case.snapshot.balance_voltage, case.snapshot.settings
    v_min, v_max = settings.get(_K.V_MIN), settings.get(_K.V_MAX)
    if not balance or v_min is None or v_max is None or v_min >= v_max:
        return None
    lowest, highest, severity = v_min, v_max, Severity.WARNING
    if v_min < balance < v_max:
        known = _advice(case)
        if known is None:
            return None
        identified, advice = known
        severity = _severity(identified)
        lowest = round(advice.balance_voltage - _SWITCH_STEP, 3)
        highest = round(advice.balance_voltage + _SWITCH_STEP, 3)
        if lowest - _RESOLUTION / 2 <= balance <= highest + _RESOLUTION / 2:
            return None
    return Finding(
        FindingKey.BALANCE_VOLTAGE_UNFIT,
        severity,
        {"balance_voltage": balance, "lowest": lowest, "highest": highest},
    )


def balancing_off(case: Case) -> Finding | None:
    """Find balancing switched off: then the manuals do not say what full means (protocol.md 11.7)."""
    if case.snapshot.balance_voltage == 0:
        return Finding(FindingKey.BALANCING_OFF, Severity.WARNING, {})
    return None


def capacity_above_advice(case: Case) -> Finding | None:
    """Find a capacity above the share of the rated one that the manual advises (protocol.md 11.2)."""
    share, rated = case.profile.capacity_share, case.circumstances.rated_capacity
    capacity = case.snapshot.settings.get(_K.CAPACITY)
    if share is None or rated is None or capacity is None or capacity <= share * rated + _HALF_A_STEP:
        return None
    return Finding(
        FindingKey.CAPACITY_ABOVE_ADVICE,
        Severity.NOTICE,
        {
            "capacity": round(capacity),
            "rated": round(rated),
            "share": round(share * 100),
            "advised": round(share * rated),
        },
    )
