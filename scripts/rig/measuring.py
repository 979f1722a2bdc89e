"""One thing measured against its limit."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

_REPEATS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing measured: median and spread (highest less lowest) of the repeats, and its limit."""

    name: str
    unit: str
    value: float
    spread: float
    limit: float

    @property
    def passes(self) -> bool:
        """Whether the limit holds."""
        return self.value <= self.limit


def measure(name: str, unit: str, limit: float, once: Callable[[], float], repeats: int = _REPEATS) -> Line:
    """Return the line of something measured several times."""
    values = [once() for _ in range(repeats)]
    return Line(name=name, unit=unit, value=median(values), spread=max(values) - min(values), limit=limit)


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Return the seconds that one run of some work takes, over several."""
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times
