"""Numbers that come back from a storage, and have been through somebody's hands."""

from typing import Final

# Far beyond any time in s, any energy in Wh or kWh and any clock, and near enough to calculate with.
_MOST: Final = 1e12


def number(value: object) -> float | None:
    """Return a number that can be calculated with; `None` for anything else, infinite or not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MOST <= value <= _MOST:
        return None
    return float(value)


def count(value: object) -> int | None:
    """Return a whole number that is not negative; `None` for anything else."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found.is_integer() else None
