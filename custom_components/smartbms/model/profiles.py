"""What differs between the manuals, as data (protocol.md 11.2, 11.5 and 11.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..bms.device import Generation
from ..bms.settings import SettingKey


class ProfileKey(StrEnum):
    """The manuals, each with its rules."""

    GEN2 = "gen2"
    GEN3_EARLY = "gen3_early"
    GEN3_REV6 = "gen3_rev6"
    GEN3_REV13 = "gen3_rev13"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one manual.

    `full_needs_low_power`: full also asks for hardly any power flowing in (MAN6, MAN13).
    `has_discharge_temperature`: the load has a lowest temperature of its own (MAN13).
    `syncs_empty`: the state of charge is set to 0 % by an empty cell (all of generation 3).
    `capacity_share`: the share of the rated capacity that the manual advises to set, 0 to 1; `None`
    where it advises nothing (MAN13).
    """

    key: ProfileKey
    full_needs_low_power: bool
    has_discharge_temperature: bool
    syncs_empty: bool
    capacity_share: float | None


_K: Final = ProfileKey
# key | full needs low power | has discharge temperature | syncs empty | capacity share
_TABLE: Final = (
    (_K.GEN2, False, False, False, 0.75),
    (_K.GEN3_EARLY, False, False, True, 0.8),
    (_K.GEN3_REV6, True, False, True, 0.8),
    (_K.GEN3_REV13, True, True, True, None),
)
PROFILES: Final[Mapping[ProfileKey, Profile]] = {
    key: Profile(
        key=key,
        full_needs_low_power=low_power,
        has_discharge_temperature=discharge_temperature,
        syncs_empty=syncs_empty,
        capacity_share=capacity_share,
    )
    for key, low_power, discharge_temperature, syncs_empty, capacity_share in _TABLE
}


def choose(generation: Generation, settings: Mapping[SettingKey, float]) -> Profile:
    """Return the profile that fits a BMS.

    The discharge temperature came with MAN13. Early firmware of generation 3 cannot be told from
    that of MAN6; an owner who has it says so in the options.
    """
    if generation is Generation.GEN2:
        return PROFILES[ProfileKey.GEN2]
    if SettingKey.T_MIN_DISCHARGE in settings:
        return PROFILES[ProfileKey.GEN3_REV13]
    return PROFILES[ProfileKey.GEN3_REV6]
