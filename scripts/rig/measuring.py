"""One thing measured against its limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from time import perf_counter
from typing import Final

_REPEATS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing measured: median and spread (highest less lowest) of the repeats, and its limit if it has one."""

    name: str
    unit: str
    value: float
    spread: float
    limit: float | None

    @property
    def passes(self) -> bool:
        """Whether the limit holds."""
        return self.limit is None or self.value <= self.limit


def summary(name: str, unit: str, limit: float | None, values: Sequence[float]) -> Line:
    """Return the line of repeats that have been measured; there is at least one."""
    return Line(name=name, unit=unit, value=median(values), spread=max(values) - min(values), limit=limit)


def measure(name: str, unit: str, limit: float, once: Callable[[], float], repeats: int = _REPEATS) -> Line:
    """Return the line of something measured several times."""
    return summary(name, unit, limit, [once() for _ in range(repeats)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of some values (0 to 1) does not exceed; there is at least one value."""
    return sorted(values)[max(ceil(share * len(values)), 1) - 1]


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Return the seconds that one run of some work takes, over several."""
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times
