"""Energy into and out of a battery whose BMS does not count it: voltage times current times time.

While the BMS is heard, power is integrated as the BMS itself does it. Over a gap the BMS says what is
missing: with two current sensors what it collected less what it consumed, with one how the stored energy
changed. Only the difference of the two energies can be known of a gap, not how often the current turned
in it; so the difference goes to the side that it belongs to, and both are the least they can have been.
"""

from collections.abc import Mapping
from math import inf
from typing import Final, NamedTuple, Self

from .account import MOST_POWER, allowance
from .stored_numbers import number

# What is longer, in s, is not integrated: nobody knows the power in between.
_LONGEST_STEP: Final = 15.0
# So much later, in s, a BMS that counts the energy of its battery would have said so.
_PATIENCE: Final = 60.0
# What the BMS counted late, in Wh: more than a second of any current, and than its rounding.
_LATE: Final = 25.0
# What the rounding of two counters to whole Wh makes up.
_ROUNDED: Final = 3.0
_FULL: Final = 100


class Moment(NamedTuple):
    """What was heard at a time in s: V, A of the battery, positive when charging, stored Wh, charge in %.

    The current `is_sure` where those of the sensors give the same.
    """

    at: float
    voltage: float | None
    current: float | None
    is_sure: bool = False
    stored: int | None = None
    state_of_charge: int | None = None


class _Step(NamedTuple):
    """Energy in Wh, positive when charging, and the seconds that it took."""

    energy: float
    seconds: float


class Integral(NamedTuple):
    """Energy charged and discharged in Wh, integrated until `at` for `heard` seconds in all.

    `reference` is what the BMS's own count of the difference was ahead of ours, in Wh, when nothing was
    missing. `is_behind` says that something was missed since.
    """

    charged: float = 0.0
    discharged: float = 0.0
    at: float | None = None
    heard: float = 0.0
    reference: float | None = None
    is_behind: bool = False
    pending: tuple[Moment, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether the BMS was heard for long enough to know that it does not count this."""
        return self.heard >= _PATIENCE

    def after(self, moment: Moment, net: float | None, *, has_both: bool | None) -> Integral:
        """Return the integral after a further moment; each counts with the two after it.

        `net` is what the BMS collected less what it consumed, in Wh; with one sensor, where `has_both` is
        false, the stored energy stands for it.
        """
        pending = (*self.pending, moment)
        if len(pending) < 3:
            return self._replace(pending=pending)
        first = pending[0]
        step = _step(self.at, pending)
        integral = self._replace(pending=pending[1:], at=first.at)
        if step is None:
            integral = integral._replace(is_behind=True)
        else:
            integral = _added(integral, step.energy)._replace(heard=self.heard + step.seconds)
        if has_both is None:
            return integral
        # Where it is full the stored energy was set to that, whatever was counted.
        is_full = first.state_of_charge is not None and first.state_of_charge >= _FULL
        if has_both:
            return _balanced(integral, net, _LATE, is_gap=step is None, is_set=False)
        return _balanced(integral, _stored(pending), inf, is_gap=step is None, is_set=is_full)

    def as_json(self) -> dict[str, object]:
        """Return the integral as JSON, without what is pending."""
        return {
            "charged": self.charged,
            "discharged": self.discharged,
            "at": self.at,
            "heard": self.heard,
            "reference": self.reference,
            "is_behind": self.is_behind,
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the integral that `as_json` wrote; a new one where that cannot be read."""
        if not isinstance(data, Mapping):
            return cls()
        charged, discharged = number(data.get("charged")), number(data.get("discharged"))
        heard = number(data.get("heard"))
        if charged is None or discharged is None or heard is None or min(charged, discharged, heard) < 0:
            return cls()
        at, reference = number(data.get("at")), number(data.get("reference"))
        return cls(charged, discharged, at, heard, reference, data.get("is_behind") is True)


def _step(before: float | None, pending: tuple[Moment, ...]) -> _Step | None:
    """Return what flowed from a time to the first of three moments; `None` where that cannot be known."""
    first = pending[0]
    # What one damaged record says is never the middle. But a current comes and goes, so a sure one counts.
    voltage = _middle([moment.voltage for moment in pending])
    current = first.current if first.is_sure else _middle([moment.current for moment in pending])
    elapsed = inf if before is None else first.at - before
    power = inf if voltage is None or current is None else voltage * current
    # A comparison with what is not a number is false.
    if not elapsed <= _LONGEST_STEP or not abs(power) <= MOST_POWER:
        return None
    seconds = max(elapsed, 0.0)
    return _Step(power * seconds / 3600, seconds)


def _middle(values: list[float | None]) -> float | None:
    """Return the middle one of three values that are known."""
    known = sorted(value for value in values if value is not None)
    return known[1] if len(known) == 3 else None


def _balanced(integral: Integral, net: float | None, late: float, *, is_gap: bool, is_set: bool) -> Integral:
    """Return the integral set right by what the BMS counted, where something was missed.

    More than what may be `late` was missed as well: the BMS's total told of it now. While nothing is
    integrated, what its rounding makes up waits.
    """
    if net is None:
        return integral
    ahead = net - (integral.charged - integral.discharged)
    missed = 0.0 if integral.reference is None or is_set else ahead - integral.reference
    if is_gap and 0 < abs(missed) < _ROUNDED:
        return integral
    if integral.is_behind or abs(missed) > late:
        return _added(integral, missed)._replace(reference=ahead - missed, is_behind=False)
    return integral._replace(reference=ahead)


def _added(integral: Integral, energy: float) -> Integral:
    """Return the integral with an energy in Wh, positive when charging."""
    if energy > 0:
        return integral._replace(charged=integral.charged + energy)
    return integral._replace(discharged=integral.discharged - energy) if energy < 0 else integral


def _stored(pending: tuple[Moment, ...]) -> int | None:
    """Return the stored energy at the first of three moments, unless one of them is damaged."""
    values = [moment.stored for moment in pending if moment.stored is not None]
    most = allowance(max(pending[2].at - pending[0].at, 0.0))
    return values[0] if len(values) == 3 and max(values) - min(values) <= most else None
