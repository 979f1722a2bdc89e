"""One energy that a BMS counts, as one total in Wh that only rises.

A BMS counts each energy twice: in Wh since its own midnight, and in whole kWh for good (protocol.md 4, E, M
and B). The first is exact until it restarts, the second goes on. By how much the second is ahead of
`counted` stays the same for as long as nothing is missed. So each reading narrows what that can be, a total
that changes gives it to a few Wh, and after a gap it says what is missing.
"""

from collections.abc import Mapping
from math import inf, isfinite
from typing import Final, NamedTuple, Self

from .stored_numbers import count, number

_KWH: Final = 1000
_DAY: Final = 86400.0
# What no battery of this kind gives or takes, in W, and in Wh what may have come at once.
MOST_POWER: Final = 100_000.0
_AT_ONCE: Final = 10.0
# Day and total are rounded, and come one after the other: in Wh.
_SLACK: Final = 5.0
# A disagreement of less, in Wh, is no other way to count.
_TOLERANCE: Final = 100.0
# So often a total has to change where it should before it is believed again.
_PROOFS: Final = 3
# How much the clock of the BMS may be off, in s; it has no seconds.
_CLOCK_TOLERANCE: Final = 300.0
# Without a clock a pause of more, in s, may hold a midnight.
_SHORT: Final = 60.0
_LONGEST: Final = 365 * _DAY


class Reading(NamedTuple):
    """What was read at a time in s: Wh of the day, whole kWh in all, the BMS's clock in minutes of its day."""

    at: float
    day: int
    total: int | None = None
    clock: int | None = None


class Account(NamedTuple):
    """What has been counted of one energy, in Wh; `None` until there is something to begin with.

    `last` is what was believed last. The BMS's own total was ahead of `counted` by something from `low` to
    `high` when nothing had been missed, and what may have been missed since is at most `owed`, all in Wh.
    While there are `doubts` the totals are not believed to know of anything missed. `pending` waits for
    what confirms it.
    """

    counted: float | None = None
    last: Reading | None = None
    low: float = -inf
    high: float = inf
    owed: float = 0.0
    doubts: int = 0
    pending: tuple[Reading, ...] = ()

    def after(self, reading: Reading, beginning: float | None = None) -> Account:
        """Return the account after a further reading, which counts once the two after it confirm it.

        All three have to be of records of their own. An account that is new begins with `beginning`, where
        that is `None` with the total of the BMS, which is what its owner has seen so far.
        """
        if len(self.pending) < 2:
            return self._replace(pending=(*self.pending, reading))
        (first, second), last = self.pending, self.last
        account = self._replace(pending=(second, reading))
        if not _agree(last and last.day, first.day, second.day, reading.day):
            return account
        total = _confirmed(last and last.total, first.total, second.total, reading.total)
        if last is None:
            return _begun(account, first, total, reading, beginning)
        return _risen(account, last, first, total, second)

    def as_json(self) -> dict[str, object]:
        """Return the account as JSON; what is not known yet, and what is pending, is left out."""
        bounds = {"low": self.low, "high": self.high, "owed": self.owed}
        return {
            "counted": self.counted,
            "last": None if self.last is None else list(self.last),
            "doubts": self.doubts,
            **{name: bound for name, bound in bounds.items() if isfinite(bound)},
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the account that `as_json` wrote; a new one where that cannot be read."""
        if not isinstance(data, Mapping) or (counted := number(data.get("counted"))) is None or counted < 0:
            return cls()
        last, doubts = _reading(data.get("last")), count(data.get("doubts"))
        low, high, owed = (number(data.get(name)) for name in ("low", "high", "owed"))
        account = cls(counted, last, doubts=_PROOFS if doubts is None else min(doubts, _PROOFS))
        if last is None or low is None or high is None or owed is None or low > high or owed < 0:
            return account
        return account._replace(low=low, high=high, owed=owed)


def allowance(seconds: float) -> float:
    """Return the most energy in Wh that may have come in some seconds."""
    return _AT_ONCE + MOST_POWER * seconds / 3600


def _agree(last: int | None, first: int, second: int, third: int) -> bool:
    """Return whether two later values confirm the first: none is less, and a fall is seen three times."""
    if last is None or first >= last:
        return second >= first <= third
    return first <= second <= third < last


def _confirmed(last: int | None, first: int | None, second: int | None, third: int | None) -> int | None:
    """Return the first of three totals where the others confirm it."""
    if first is None or second is None or third is None:
        return None
    return first if _agree(last, first, second, third) else None


def _begun(
    account: Account, first: Reading, total: int | None, third: Reading, beginning: float | None
) -> Account:
    """Return the account with its first reading, unless one that is damaged may be among the three."""
    most = allowance(_seconds(first, third))
    if third.day - first.day > most or (total is None) is not (third.total is None):
        return account
    if ((third.total or 0) - (total or 0) - 1) * _KWH > most:
        return account
    starts = (account.counted, beginning, float((total or 0) * _KWH))
    counted = next(start for start in starts if start is not None)
    return _known(account._replace(counted=counted, last=first), total, None)


def _risen(account: Account, last: Reading, first: Reading, total: int | None, second: Reading) -> Account:
    """Return the account with what the counter of the day has risen by since the last reading.

    One that falls was restarted, and what it shows came since; unless neither a midnight nor a clear can
    be the reason, when it has to rise beyond its old value before it counts again. Where a midnight may lie
    between, more may have come than the counter tells. All that a total shows after a clear came since.
    """
    seconds, clock, is_new_day = _passed(last, first, second)
    risen, day = first.day - last.day, first.day
    is_exact = risen >= 0 and not is_new_day
    is_cleared = total is not None and last.total is not None and total < last.total
    if risen < 0:
        is_restarted = is_new_day or is_cleared or day <= min(last.day / 2, allowance(seconds))
        risen, day, is_exact = (day, day, False) if is_restarted else (0, last.day, True)
    elif is_cleared and total is not None:
        risen = max(risen, min(total * _KWH, day))
    believed = Reading(first.at, day, last.total if total is None else total, clock)
    owed = account.owed if is_exact or account.doubts else account.owed + allowance(seconds)
    counted = (account.counted or 0.0) + risen
    return _known(account._replace(counted=counted, last=believed, owed=owed), total, last.total)


def _known(account: Account, total: int | None, before: int | None) -> Account:
    """Return the account with what a total in kWh says of where it began, and with what must have been missed.

    Of what may have been missed only what is certain is added, the least, so that it is never too much;
    the rest follows as soon as the total changes. A total that contradicts what was counted adds nothing:
    the BMS was cleared, or it counts in another way, and then its totals are not trusted.
    """
    if total is None:
        return account
    counted, _, low, high, owed, doubts, _ = account
    counted = counted or 0.0
    least, most = total * _KWH - counted - _SLACK, (total + 1) * _KWH - counted + _SLACK
    if before is not None and total < before:
        return account._replace(low=least, high=most, owed=0.0)
    contradiction = max(least - high - owed, low - most)
    if contradiction > 0:
        doubts = _PROOFS if contradiction > _TOLERANCE else doubts
        return account._replace(low=least, high=most, owed=0.0, doubts=doubts)
    if before is not None and total == before + 1 and high - low <= _TOLERANCE:
        doubts = max(doubts - 1, 0)
    missed = max(least - high, 0.0)
    least, most, owed = least - missed, most - missed, owed - missed
    high, owed = min(high, most), min(owed, most - low)
    low = max(low, least - owed)
    if missed == 0 and (low, high, owed, doubts) == account[2:6]:
        return account
    return account._replace(counted=counted + missed, low=low, high=high, owed=owed, doubts=doubts)


def _seconds(before: Reading, after: Reading) -> float:
    """Return the seconds between; a clock of ours that goes back stands still."""
    seconds = after.at - before.at
    return min(seconds, _LONGEST) if seconds > 0 else 0.0


def _drift(seconds: float, before: int | None, after: int | None) -> float | None:
    """Return by how many s, within half a day, some seconds of ours are more than those of the BMS's clock."""
    if before is None or after is None:
        return None
    return (seconds - (after - before) * 60 + _DAY / 2) % _DAY - _DAY / 2


def _passed(last: Reading, first: Reading, second: Reading) -> tuple[float, int | None, bool]:
    """Return the seconds since the last reading, the BMS's clock, and whether it may have passed midnight.

    Where its clock and ours disagree one of them was set, and the longer time counts; or it was damaged,
    and the next reading does not go with it.
    """
    seconds, before = _seconds(last, first), last.clock
    # The first round that is heard may lack it; the next came a moment later.
    clock = second.clock if first.clock is None else first.clock
    drift = _drift(seconds, before, clock)
    if drift is not None and before is not None and abs(drift) <= _CLOCK_TOLERANCE:
        # In its own time, which ends with one of its minutes.
        return seconds, clock, before * 60 + seconds - drift > _DAY - 30
    next_drift = _drift(_seconds(first, second), clock, second.clock)
    if next_drift is None or abs(next_drift) > _CLOCK_TOLERANCE:
        clock = None
    if before is None or clock is None:
        return seconds, clock, seconds > _SHORT
    return max(seconds, (clock - before) * 60 % _DAY), clock, True


def _reading(data: object) -> Reading | None:
    """Return a stored reading."""
    if not isinstance(data, list) or len(data) != len(Reading._fields):
        return None
    at, day, total, clock = number(data[0]), *(count(each) for each in data[1:])
    return None if at is None or day is None else Reading(at, day, total, clock)
