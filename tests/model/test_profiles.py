"""Which manual a BMS follows (protocol.md 5.3, 11.6)."""

import pytest

from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.model.profiles import PROFILES, Profile, ProfileKey, choose


@pytest.mark.parametrize(
    ("generation", "settings", "expected"),
    [
        (Generation.GEN2, {}, ProfileKey.GEN2),
        (Generation.GEN3, {SettingKey.T_MIN_CHARGE: 282}, ProfileKey.GEN3_REV6),
        (Generation.GEN3, {SettingKey.T_MIN_DISCHARGE: 259}, ProfileKey.GEN3_REV13),
    ],
)
def test_chosen_by_what_the_bms_reports(
    generation: Generation, settings: dict[SettingKey, float], expected: ProfileKey
) -> None:
    """A lowest temperature for the load came with revision 13."""
    assert choose(generation, settings).key is expected


def test_what_the_manuals_say() -> None:
    """The 5 % rule came with revision 6, the second lowest temperature with revision 13, empty with gen 3."""
    assert [
        (
            profile.key.value,
            profile.full_needs_low_power,
            profile.has_discharge_temperature,
            profile.syncs_empty,
            profile.capacity_share,
        )
        for profile in PROFILES.values()
    ] == [
        ("gen2", False, False, False, 0.75),
        ("gen3_early", False, False, True, 0.8),
        ("gen3_rev6", True, False, True, 0.8),
        ("gen3_rev13", True, True, True, None),
    ]
    assert all(isinstance(profile, Profile) for profile in PROFILES.values())
