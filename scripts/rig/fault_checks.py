"""What has to hold after the faults: each a line with its number, its limit and a verdict."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
import re
from typing import Final

from .fault_watch import GRACE, SURE, Recovery, Silence
from .measuring import Line

# In s; in parts of what has flowed, and in kWh one step of the counter of a day, of which two are read.
MOST_SECONDS: Final = 15.0
SHARE: Final = 0.001
STEP: Final = 0.002
# The counter for good has whole kWh: where in them it begins and ends nobody knows who misses a midnight.
COARSE_STEP: Final = 2.0
# Of 1,000 notifications of 20 bytes that are lost two make a record that looks like one; a record is several states.
MOST_OF_DAMAGED: Final = 20.0
# What is counted within Home Assistant.
LEFT: Final = ("tasks", "timers", "objects", "callbacks")
_PERCENTILE: Final = 0.95
_RECORD: Final = re.compile(
    r"^\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^]]+)\] (?P<text>.*)$"
)
_OUTAGE: Final = re.compile(r"^(?P<name>.*) is (?:unavailable \(\w+\)|(?P<ends>available))$")
_HARMLESS: Final = ("DEBUG", "INFO")
_RECORDS: Final = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
_TRACEBACK: Final = "Traceback (most recent call last)"
_NAME: Final = "smartbms"
_OURS: Final = f"custom_components.{_NAME}"
_NOBODY: Final = ("asyncio", "homeassistant")


@dataclass(frozen=True, slots=True)
class Energy:
    """What was shown to have flowed and what has, in kWh, and how coarsely it can be known."""

    name: str
    shown: float
    true: float
    step: float = STEP

    @property
    def error(self) -> float:
        """How much too much or too little was shown, of what is allowed."""
        return abs(self.shown - self.true) / max(SHARE * self.true, self.step)


def line(name: str, value: float, limit: float = 0.0, unit: str = "") -> Line:
    """Return a line of something that was counted once."""
    return Line(name=name, unit=unit, value=value, spread=0.0, limit=limit)


def p95(values: Collection[float]) -> float:
    """Return what 95 % of some values do not exceed; 0 where there is none."""
    return sorted(values)[ceil(_PERCENTILE * len(values)) - 1] if values else 0.0


def connected_again(recoveries: Sequence[Recovery], never: Sequence[str]) -> Iterator[Line]:
    """Yield whether the BMS were connected again in time."""
    yield line("connected again, p95", p95([each.seconds for each in recoveries]), MOST_SECONDS, "s")
    yield line("never connected again", len(never))


def by_fault(recoveries: Iterable[Recovery]) -> Iterator[str]:
    """Yield how long it took to be connected again after each kind of fault."""
    found: dict[str, list[float]] = {}
    for each in recoveries:
        found.setdefault(each.after, []).append(each.seconds)
    for after, seconds in sorted(found.items()):
        yield f"{after:32} {len(seconds):5} times, p95 {p95(seconds):5.1f} s, longest {max(seconds):5.1f} s"


def true_values(untrue: Sequence[str], of_damage: Sequence[str], damaged: int) -> Iterator[Line]:
    """Yield whether all that was shown had been so; the stream has no checksum, and what is lost joins records."""
    yield line("values that the battery did not have", len(untrue))
    share = len(of_damage) / max(damaged, 1) * 1000
    yield line("such of 1,000 damaged notifications", share, MOST_OF_DAMAGED)


def energies(found: Sequence[Energy]) -> Line:
    """Return whether all energies are right: the worst of all, in parts of what is allowed."""
    return line("energy, of 0.1 % or one step", max((each.error for each in found), default=0.0), 1.0)


def log_lines(log: str, silences: Mapping[str, Sequence[Silence]]) -> Iterator[Line]:
    """Yield whether the log holds one line for each outage, and nothing that is wrong."""
    warnings, twice = Counter[str](), 0
    is_away: dict[str, bool] = {}
    for _, text in _ours(log):
        if found := _OUTAGE.match(text):
            name = found["name"]
            if found["ends"]:
                is_away[name] = False
                continue
            twice += is_away.get(name, False)
            is_away[name] = True
            warnings[name] += 1
    yield line("outages told twice in the log", twice)
    yield line("outages told in the log that were none", sum(_surplus(warnings, silences)))
    yield line("outages not told in the log", sum(_lacking(warnings, silences)))
    yield line("other complaints of ours in the log", sum(1 for _ in complaints(log)))
    yield line("tracebacks in the log", sum(1 for _ in tracebacks(log)))


def complaints(log: str) -> Iterator[str]:
    """Yield our warnings and errors, but those of outages."""
    for level, text in _ours(log):
        if level not in _HARMLESS and not _OUTAGE.match(text):
            yield text


def _ours(log: str) -> Iterator[tuple[str, str]]:
    """Yield level and text of each record of ours."""
    for text in log.splitlines():
        if (found := _RECORD.match(text)) is not None and found["logger"].startswith(_OURS):
            yield found["level"], found["text"]


def tracebacks(log: str) -> Iterator[str]:
    """Yield the records with a traceback that name the integration, or nobody as those of the event loop.

    A machine without video and a proxy that hangs have tracebacks of their own.
    """
    for record in _RECORDS.split(log):
        if _TRACEBACK in record:
            found = _RECORD.match(record.partition("\n")[0])
            if _NAME in record or found is None or found["logger"] in _NOBODY:
                yield record


def _surplus(warnings: Mapping[str, int], silences: Mapping[str, Sequence[Silence]]) -> Iterator[int]:
    """Yield how many more warnings there are than silences that may have been outages."""
    for name, count in warnings.items():
        most = sum(each.seconds > GRACE - 1 for each in silences.get(name, ()))
        yield max(count - most, 0)


def _lacking(warnings: Mapping[str, int], silences: Mapping[str, Sequence[Silence]]) -> Iterator[int]:
    """Yield how many fewer warnings there are than outages without doubt."""
    for name, found in silences.items():
        least = sum(each.seconds > SURE and not each.is_excused for each in found)
        yield max(least - warnings.get(name, 0), 0)


def leftovers(left: Mapping[str, Sequence[str]], links: int) -> Iterator[Line]:
    """Yield whether anything of ours is left once all entries are unloaded."""
    for what in LEFT:
        yield line(f"{what} left over", len(left[what]))
    yield line("connections left over", links)


def files(before: Mapping[str, int], after: Mapping[str, int]) -> Line:
    """Return how many more files, sockets and pipes are open than before anything was set up."""
    more = Counter(after)
    more.subtract(before)
    return line("files left over", sum(max(count, 0) for count in more.values()))


def table(lines: Iterable[Line]) -> Iterator[str]:
    """Yield each line with its verdict."""
    for each in lines:
        verdict = "ok" if each.passes else "FAILS"
        yield f"{each.name:42} {each.value:10.2f} {each.unit:2} (limit {each.limit:g})  {verdict}"
