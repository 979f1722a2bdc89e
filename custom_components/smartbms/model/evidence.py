"""What is remembered of a BMS over time, for the findings that one moment cannot show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self, cast

from ..bms.records import MAX_CELLS
from ..bms.state import Snapshot, StatusBit
from .cell_watches import Rest, Resting, Weak
from .fit import Fit, Slope
from .profiles import Profile
from .relays import Decision
from .watches import Charger, Idle, Moment, Reversed, Zero, add_step, look

# Looks farther apart than this do not belong together; one gap counts as one day at most.
_TOGETHER: Final = 600.0
_DAY: Final = 86400.0
_FULL: Final = 100
# No number that is remembered comes near this; a damaged one may.
_LARGEST: Final = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is remembered; empty at first.

    `seen` is the time of the last look in epoch seconds, `days_since_full` for how many days the BMS
    has been watched without a synchronisation at 100 %, `None` before the first look. `steps` fits
    voltage steps over current steps; `first` and `second` are the current sensors.
    """

    seen: float | None = None
    days_since_full: float | None = None
    charger: Charger = Charger()
    moment: Moment = Moment()
    steps: Fit = Fit()
    first_reversed: Reversed = Reversed()
    second_reversed: Reversed = Reversed()
    first_zero: Zero = Zero()
    second_zero: Zero = Zero()
    idle: Idle = Idle()
    weak: Weak = Weak()
    weak_fit: Fit = Fit()
    rest: Rest = Rest()

    def as_json(self) -> dict[str, object]:
        """Return what is remembered, for the storage."""
        return {
            "calibration": [self.seen, self.days_since_full],
            "charger": list(self.charger),
            "moment": list(self.moment),
            "steps": list(self.steps),
            "first_reversed": list(self.first_reversed),
            "second_reversed": list(self.second_reversed),
            "first_zero": list(self.first_zero),
            "second_zero": list(self.second_zero),
            "idle": list(self.idle),
            "weak": list(self.weak),
            "weak_fit": list(self.weak_fit),
            "resting": list(self.rest.state),
            "recent": list(self.rest.recent),
            "long_term": list(self.rest.long_term),
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return what was stored; a part that is missing or cannot be is forgotten, nothing is raised."""
        stored: Mapping[str, object] = data if isinstance(data, dict) else {}
        seen, days = _numbers((None, None), stored.get("calibration")) or (None, None)
        return cls(
            seen=seen,
            days_since_full=days,
            charger=_read(Charger(), stored.get("charger")),
            moment=_read(Moment(), stored.get("moment")),
            steps=_read(Fit(), stored.get("steps")),
            first_reversed=_read(Reversed(), stored.get("first_reversed")),
            second_reversed=_read(Reversed(), stored.get("second_reversed")),
            first_zero=_read(Zero(), stored.get("first_zero")),
            second_zero=_read(Zero(), stored.get("second_zero")),
            idle=_read(Idle(), stored.get("idle")),
            weak=_read(Weak(), stored.get("weak")),
            weak_fit=_read(Fit(), stored.get("weak_fit")),
            rest=_read_rest(stored),
        )


def _numbers(standard: tuple[float | None, ...], data: object) -> list[float | None] | None:
    """Return stored numbers where they are as many as the standard, and absent only where it is."""
    if not isinstance(data, list) or len(data) != len(standard):
        return None
    for value, default in zip(data, standard, strict=True):
        # Whether something has happened is stored among the numbers, so a bool counts as one here.
        is_number = isinstance(value, int | float) and -_LARGEST < value < _LARGEST
        if not is_number and not (value is None and default is None):
            return None
    return data


def _read[T: tuple[float | None, ...]](standard: T, data: object) -> T:
    """Return a part as it was stored, else as it is at first."""
    values = _numbers(standard, data)
    # The numbers fit the fields one by one; the type system cannot follow.
    return standard if values is None else cast(Callable[..., T], type(standard))(*values)


def _read_rest(stored: Mapping[str, object]) -> Rest:
    """Return the rest of the cells as it was stored; its parts are of one number of cells."""
    state = _read(Resting(), stored.get("resting"))
    recent, long_term = _read_means(stored.get("recent")), _read_means(stored.get("long_term"))
    if len(recent) != len(long_term) or state.drifting not in (None, *range(1, len(recent) + 1)):
        return Rest()
    return Rest(state, recent, long_term)


def _read_means(data: object) -> tuple[float, ...]:
    if not isinstance(data, list) or len(data) > MAX_CELLS:
        return ()
    return tuple(value for value in _numbers((0.0,) * len(data), data) or () if value is not None)


def observe(
    evidence: Evidence, profile: Profile, snapshot: Snapshot, decision: Decision | None, now: float
) -> Evidence:
    """Return the evidence after one more look, at `now` in epoch seconds; at most once a second.

    Best called for a new snapshot only, and once more when a relay has changed: what opened it is
    soon gone. A clock that jumps does no harm.
    """
    passed = 0.0 if evidence.seen is None else now - evidence.seen
    seen = look(profile, snapshot, decision, passed if 0 < passed <= _TOGETHER else None)
    steps = add_step(evidence.steps, evidence.moment, seen)
    first, second = evidence.first_reversed, evidence.second_reversed
    if seen.second is not None:
        first, second = first.after(seen.first, seen), second.after(seen.second, seen)
    if steps is not evidence.steps:
        first = first.after_step(steps, _wrong(steps.first, 1))
        second = second.after_step(steps, _wrong(steps.second, -1))
    weak, weak_fit = evidence.weak.after(evidence.weak_fit, seen)
    days = evidence.days_since_full
    return Evidence(
        seen=now,
        days_since_full=0.0 if days is None or _is_synchronised(snapshot) else days_since_full(days, passed),
        charger=evidence.charger.after(seen),
        moment=Moment.of(seen),
        steps=steps,
        first_reversed=first,
        second_reversed=second,
        first_zero=evidence.first_zero.after(seen.first, seen),
        second_zero=evidence.second_zero.after(seen.second, seen),
        idle=evidence.idle.after(seen),
        weak=weak,
        weak_fit=weak_fit,
        rest=evidence.rest.after(seen, passed),
    )


def _wrong(slope: Slope | None, sign: int) -> float | None:
    """Return how many standard errors a slope is on the wrong side of zero, being of the other sign."""
    return None if slope is None else -sign * slope.t


def days_since_full(days: float, passed: float) -> float:
    """Return the days some seconds later; nobody knows what happened in a gap, so it is one at most."""
    return days + min(max(passed, 0.0), _DAY) / _DAY


def _is_synchronised(snapshot: Snapshot) -> bool:
    """Whether the state of charge is at 100 % and the BMS does not call it uncalibrated."""
    is_calibrated = snapshot.status.has(StatusBit.NOT_CALIBRATED) is False
    return is_calibrated and snapshot.energy is not None and snapshot.energy.state_of_charge == _FULL
