"""Cell chemistries: the thresholds that each manual recommends, and a guess at what is there.

The numbers are those of the manuals (protocol.md 11.1); MAN2 has none. The windows of the guess are
ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ..bms.settings import SettingKey
from .profiles import ProfileKey


class Chemistry(StrEnum):
    """What the cells are made of, as far as a manual or the BMS names it."""

    OTHER = "other"
    LIFEPO4 = "LiFePO4"
    LTO = "LTO"
    NMC = "NMC"
    NCA = "NCA"
    LI_ION = "Li-ion"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Thresholds per cell in V; the nominal voltage is given by MAN13 alone."""

    v_min: float
    balance_voltage: float
    v_max: float
    v_nominal: float | None = None


_EARLY: Final = MappingProxyType(
    {
        Chemistry.LIFEPO4: Recommendation(2.9, 3.4, 3.7),
        Chemistry.LTO: Recommendation(2.15, 2.6, 2.7),
        Chemistry.NMC: Recommendation(3.43, 4.0, 4.1),
        Chemistry.LI_ION: Recommendation(3.43, 4.1, 4.15),
    }
)
RECOMMENDATIONS: Final[Mapping[ProfileKey, Mapping[Chemistry, Recommendation]]] = MappingProxyType(
    {
        ProfileKey.GEN2: MappingProxyType({}),
        ProfileKey.GEN3_EARLY: _EARLY,
        ProfileKey.GEN3_REV6: MappingProxyType({**_EARLY, Chemistry.LIFEPO4: Recommendation(3.0, 3.4, 3.7)}),
        ProfileKey.GEN3_REV13: MappingProxyType(
            {
                Chemistry.LIFEPO4: Recommendation(2.9, 3.4, 3.7, 3.3),
                Chemistry.LTO: Recommendation(2.15, 2.6, 2.8, 2.3),
                Chemistry.NMC: Recommendation(3.49, 4.0, 4.15, 3.7),
                Chemistry.NCA: Recommendation(3.40, 4.0, 4.15, 3.7),
            }
        ),
    }
)

# What the BMS calls them (protocol.md 5.4).
CODES: Final[Mapping[int, Chemistry]] = MappingProxyType(
    {0: Chemistry.OTHER, 1: Chemistry.LIFEPO4, 2: Chemistry.LTO, 3: Chemistry.NMC, 4: Chemistry.NCA}
)


def recommended(profile: ProfileKey, chemistry: Chemistry) -> Recommendation | None:
    """Return what a manual recommends for cells; `None` where it says nothing of them."""
    return RECOMMENDATIONS[profile].get(chemistry)


def advised(profile: ProfileKey, chemistry: Chemistry) -> Recommendation | None:
    """Return what the BMS's own manual recommends, else the newest manual that knows the cells.

    Cells stay what they are whichever BMS guards them; that another manual may speak is our choice.
    """
    for key in (profile, *reversed(ProfileKey)):
        if (found := recommended(key, chemistry)) is not None:
            return found
    return None


class Sureness(StrEnum):
    """How sure a chemistry is: the BMS is told it, or its thresholds look like it."""

    TOLD = "told"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True)
class Identified:
    """A chemistry, and how sure it is."""

    chemistry: Chemistry
    sureness: Sureness


type _Window = tuple[float, float]

# Nominal, lowest and highest threshold that cells of a kind are run with, in V, both ends included.
# NMC and NCA differ in V min alone; Li-ion of the older manuals cannot be told from NMC.
_WINDOWS: Final[Mapping[Chemistry, tuple[_Window, _Window, _Window]]] = MappingProxyType(
    {
        Chemistry.LIFEPO4: ((3.15, 3.35), (2.4, 3.2), (3.5, 3.9)),
        Chemistry.LTO: ((2.2, 2.5), (1.5, 2.3), (2.6, 3.0)),
        Chemistry.NMC: ((3.55, 3.8), (3.42, 3.6), (4.05, 4.3)),
        Chemistry.NCA: ((3.55, 3.8), (3.25, 3.415), (4.05, 4.3)),
    }
)


def identify(settings: Mapping[SettingKey, float]) -> Identified | None:
    """Return the chemistry that the BMS is told, or the only one that all its thresholds look like.

    `None` when that is not clear: when the thresholds contradict each other, fit two, or say too
    little. A guess needs V max; V min and the nominal voltage speak where they are known.
    """
    if (code := settings.get(SettingKey.CHEMISTRY)) is not None:
        told = CODES.get(round(code))
        return None if told is None else Identified(told, Sureness.TOLD)
    if SettingKey.V_MAX not in settings:
        return None
    values = [settings.get(key) for key in (SettingKey.V_NOMINAL, SettingKey.V_MIN, SettingKey.V_MAX)]
    # A nominal voltage of 0 is one that was never set.
    hints = [value or None for value in values]
    fitting = [
        chemistry
        for chemistry, windows in _WINDOWS.items()
        if all(hint is None or low <= hint <= high for hint, (low, high) in zip(hints, windows, strict=True))
    ]
    return Identified(fitting[0], Sureness.GUESSED) if len(fitting) == 1 else None
