"""Reads the counters of a BMS: whole rounds of its records, each record once."""

from collections.abc import Callable
from typing import Final, NamedTuple

from .bms.fold import Fold
from .bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, Record, TotalsRecord

# A little less than the second in which a BMS says everything. Power is integrated where the BMS does not
# count it, so this is also the step of that.
_SHORTEST: Final = 0.9
# In what order and how often the records come nobody has written down (protocol.md 4).
_LONGEST: Final = 5.0
_ALWAYS: Final = frozenset[type[Record]]({PackRecord, EnergyRecord, TotalsRecord})
_COUNTERS: Final = _ALWAYS | {BatteryEnergyRecord}


class Counters(NamedTuple):
    """The records of one round that count energy; `None` for one that did not come."""

    pack: PackRecord | None
    energy: EnergyRecord | None
    totals: TotalsRecord | None
    battery_energy: BatteryEnergyRecord | None


class Meter:
    """Tells of a round of records once all of them have come, at most once a second.

    What was said before the link was lost is never told again: it would make a gap look like none.
    And a record is told once, so that records that agree are really several.
    """

    def __init__(self, fold: Fold, time: Callable[[], float]) -> None:
        """Read what a fold gathers; `time` gives seconds."""
        self._fold = fold
        self._time = time
        self._kinds = _ALWAYS
        self._began = time()

    def begin(self) -> None:
        """Begin a round: the BMS has just been reached."""
        self._fold.news.clear()
        self._began = self._time()

    def read(self) -> Counters | None:
        """Return the counters when a round is complete, or will not be any more."""
        elapsed, fold = self._time() - self._began, self._fold
        if elapsed < _SHORTEST or (elapsed < _LONGEST and not fold.news >= self._kinds):
            return None
        came = fold.news & _COUNTERS
        self._kinds |= came
        snapshot = fold.snapshot()
        self.begin()
        return Counters(
            snapshot.pack if PackRecord in came else None,
            snapshot.energy if EnergyRecord in came else None,
            snapshot.totals if TotalsRecord in came else None,
            snapshot.battery_energy if BatteryEnergyRecord in came else None,
        )
