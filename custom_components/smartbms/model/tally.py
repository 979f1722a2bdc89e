"""One energy of a bank: what the ledgers of its members have counted together.

A plain sum would fall when a battery is taken out of the bank, and jump when one is added. So only what
each ledger has risen since it was looked at last is added, and what was added stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from .stored_numbers import number

# In Wh. A ledger that falls by less goes on where it was and has only to catch up: a crash took its last
# minute, or it began anew with the whole kWh of its BMS. One that falls by more counts from there.
_CATCHES_UP: Final = 2000.0


@dataclass(frozen=True, slots=True)
class Tally:
    """A total in Wh that only rises, and what of each member's ledger is in it.

    The total is `None` until every member has told its own once; it begins as their sum.
    """

    total: float | None = None
    seen: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def adding(self, ledgers: Mapping[str, float | None]) -> Self:
        """Return the tally after a look at the ledgers of all members; `None` for one that cannot be read.

        A member that is new adds what it counts from now on. One that is gone takes nothing away.
        """
        told = {member: value for member, value in ledgers.items() if value is not None}
        if self.total is None:
            return type(self)(sum(told.values()), told) if told and len(told) == len(ledgers) else self
        total = self.total
        seen = {member: value for member, value in self.seen.items() if member in ledgers}
        for member, value in told.items():
            before = seen.get(member)
            if before is None or value < before - _CATCHES_UP:
                seen[member] = value
            elif value > before:
                total += value - before
                seen[member] = value
        return self if (total, seen) == (self.total, self.seen) else type(self)(total, seen)

    def as_json(self) -> dict[str, object]:
        """Return it as the storage keeps it."""
        return {"total": self.total, "seen": dict(self.seen)}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return what was stored; nothing where it cannot be read."""
        stored = data if isinstance(data, Mapping) else {}
        total, seen = number(stored.get("total")), stored.get("seen")
        if total is None or not isinstance(seen, Mapping):
            return cls()
        found = {str(member): number(value) for member, value in seen.items()}
        return cls(total, {member: value for member, value in found.items() if value is not None})
