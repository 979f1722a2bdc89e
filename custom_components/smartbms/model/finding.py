"""A finding: one thing that is wrong, how much it matters, and the numbers that show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..bms.state import Snapshot
from .evidence import Evidence
from .profiles import Profile

# What stands in the evidence for a cell that is not known.
UNKNOWN: Final = "–"


class Severity(StrEnum):
    """How much a finding matters: a notice is only listed, the others are for the owner to act on."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class FindingKey(StrEnum):
    """Everything that can be found; at most one finding of each at a time."""

    CHAIN_BROKEN = "chain_broken"
    CHARGER_VOLTAGE_TOO_HIGH = "charger_voltage_too_high"
    CURRENT_SENSOR_REVERSED = "current_sensor_reversed"
    THRESHOLDS_CONTRADICT = "thresholds_contradict"
    SENSOR_NOT_ZEROED = "sensor_not_zeroed"
    NOT_CALIBRATED = "not_calibrated"
    THRESHOLDS_UNUSUAL = "thresholds_unusual"
    BALANCE_VOLTAGE_UNFIT = "balance_voltage_unfit"
    BALANCING_OFF = "balancing_off"
    WEAK_CELL = "weak_cell"
    DRIFTING_CELL = "drifting_cell"
    CRITICAL_MODE_ADVISABLE = "critical_mode_advisable"
    LONG_NOT_CALIBRATED = "long_not_calibrated"
    FACTORY_PIN = "factory_pin"
    CAPACITY_ABOVE_ADVICE = "capacity_above_advice"
    TOO_COLD_TO_CHARGE = "too_cold_to_charge"
    TOO_HOT = "too_hot"


class CurrentSensor(StrEnum):
    """Which current sensor a finding is about; a single one measures the current of the battery."""

    BATTERY = "battery"
    CHARGE = "charge"
    LOAD = "load"
    BOTH = "charge and load"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    `evidence` fills the placeholders of its text, `finding_<key>` under `issues` in the translations:
    numbers in V, A, %, Wh, °C, mV, mΩ, days; settings by their keys, sensors as `CurrentSensor` has them.
    A dash stands for a cell that is not known.
    """

    key: FindingKey
    severity: Severity
    evidence: Mapping[str, float | int | str]

    @property
    def gist(self) -> tuple[FindingKey, Severity, frozenset[str]]:
        """What is news when it changes: which it is, how bad, and what of the evidence is not known yet."""
        unknown = frozenset(name for name, value in self.evidence.items() if value == UNKNOWN)
        return self.key, self.severity, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the BMS does not say and somebody else knows.

    `rated_capacity` in Wh is what stands on the cells; `break_cell` is the cell that the BMS's own
    log names for a broken chain.
    """

    has_factory_pin: bool = False
    rated_capacity: float | None = None
    break_cell: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a check may look at; `now` in epoch seconds."""

    evidence: Evidence
    profile: Profile
    snapshot: Snapshot
    now: float
    circumstances: Circumstances


def cell_shown(cell: int | None) -> int | str:
    """Return a cell as the evidence shows it."""
    return UNKNOWN if cell is None else cell
