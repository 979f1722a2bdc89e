"""The year: some simulated batteries live through it, and what their ledgers count is held against the truth.

Every flow whose truth the BMS can tell has to be right to a thousandth. Then the totals that were shown go
through a real recorder, and its long-term statistics have to be as they were: no bar below zero, none above
what the plant gives and a gap held back, and all together what the total has risen by.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from custom_components.smartbms.model.ledger import Flow

from .bars import bars
from .life import BATTERY, NEW_YEAR, PLANTS, Life, Living, Plant

# How wrong a flow may be, as a share of what flowed; and in Wh, for what a total in whole kWh leaves open.
_TOLERANCE: Final = 0.001
_OPEN: Final = 1000.0
# So many hours after a loss, which are thirty at most, nothing is to be caught up any more.
_CAUGHT_UP: Final = 48
# What a state in kWh with three decimals leaves of a sum.
_ROUNDING: Final = 0.0015


@dataclass(frozen=True, slots=True)
class Row:
    """One flow in the table: what flowed, what was counted, of what the error is a share, all in Wh."""

    name: str
    true: float
    counted: float
    through: float
    largest: float | None = None
    is_known: bool = True

    @property
    def error(self) -> float:
        """The error as a share."""
        return (self.counted - self.true) / self.through if self.through else 0.0

    @property
    def is_wrong(self) -> bool:
        """Whether more is wrong than may be."""
        return self.is_known and abs(self.counted - self.true) > max(_TOLERANCE * self.through, _OPEN)


def rows(plant: Plant, life: Life) -> list[Row]:
    """Return the rows of a plant; where the flows of the battery cannot be known, with their difference.

    What flowed both ways in a gap nobody has counted on generation 2. Its difference is known, and its error
    is a share of all that flowed through the battery.
    """
    table = [
        Row(
            flow.value,
            life.true[flow],
            life.counted(flow),
            life.true[flow],
            life.largest[flow],
            flow in plant.known,
        )
        for flow in Flow
        if flow in life.shown
    ]
    if not plant.known >= BATTERY:
        true = life.true[Flow.CHARGED] - life.true[Flow.DISCHARGED]
        counted = life.counted(Flow.CHARGED) - life.counted(Flow.DISCHARGED)
        through = life.true[Flow.CHARGED] + life.true[Flow.DISCHARGED]
        table.append(Row("charged - discharged", true, counted, through))
    return table


def wrong_bars(life: Life, drawn: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Yield what is wrong with the bars, which begin with the first hour that has a total."""
    for flow in life.shown:
        hours = [hour for hour in life.hours if flow in hour.shown]
        shown = [hour.shown[flow] / 1000 for hour in hours]
        true = [hour.true[flow] / 1000 for hour in hours]
        heights = drawn[flow.value]
        if len(heights) != len(hours):
            yield f"{flow}: {len(heights)} bars for {len(hours)} hours"
            continue
        # How far the total is behind the truth: a gap and a clear put it back, and only a gap is caught up.
        behind = [each - (total - life.begun[flow] / 1000) for each, total in zip(true, shown, strict=True)]
        for at, height in enumerate(heights):
            least = min(behind[max(at - _CAUGHT_UP, 0) : at], default=0.0)
            if height < -_ROUNDING:
                yield f"{flow}: hour {at} has a bar of {height:.3f} kWh"
            elif behind[at] < least - _OPEN / 1000:
                yield f"{flow}: hour {at} has a bar of {height:.3f} kWh too much"
        if abs(sum(heights) - (shown[-1] - shown[0])) > _ROUNDING:
            yield f"{flow}: the bars sum up to {sum(heights):.3f} kWh instead of {shown[-1] - shown[0]:.3f} kWh"


def judged(lives: Sequence[tuple[Plant, Life]]) -> list[tuple[list[str], bool]]:
    """Return of each life, as long as each other, the lines that tell of it, and whether all is right."""
    totals = {
        f"{number} {flow}": [
            None if (total := hour.shown.get(flow)) is None else total / 1000 for hour in life.hours
        ]
        for number, (_, life) in enumerate(lives)
        for flow in life.shown
    }
    drawn = asyncio.run(bars(totals, NEW_YEAR))
    return [
        _judged(plant, life, {flow.value: drawn[f"{number} {flow}"] for flow in life.shown})
        for number, (plant, life) in enumerate(lives)
    ]


def _judged(plant: Plant, life: Life, drawn: Mapping[str, Sequence[float]]) -> tuple[list[str], bool]:
    table, wrong = rows(plant, life), list(wrong_bars(life, drawn))
    if life.fallen > 0:
        wrong.append(f"a total fell by {life.fallen:.0f} Wh")
    wrong += [f"{row.name}: wrong by {row.error:.3%}" for row in table if row.is_wrong]
    return [*_told(plant, life, table, drawn), *(f"  WRONG {each}" for each in wrong)], not wrong


def _told(
    plant: Plant, life: Life, table: Sequence[Row], drawn: Mapping[str, Sequence[float]]
) -> Iterator[str]:
    yield f"{plant.name}: " + ", ".join(f"{number} {what}" for what, number in sorted(life.happened.items()))
    yield f"  {'flow':22}{'truth kWh':>12}{'ledger kWh':>12}{'error':>10}{'at once kWh':>13}{'highest bar':>13}"
    for row in table:
        largest = "" if row.largest is None else f"{row.largest / 1000:.3f}"
        highest = f"{max(drawn[row.name], default=0.0):.3f}" if row.name in drawn else ""
        note = "" if row.is_known else "  (cannot be known)"
        yield (
            f"  {row.name:22}{row.true / 1000:12.3f}{row.counted / 1000:12.3f}{row.error:10.4%}"
            f"{largest:>13}{highest:>13}{note}"
        )


def lived(plant: Plant, seed: int, days: float) -> Life:
    """Return the life of a plant."""
    return Living(plant, seed, days).live()


def live_all(seed: int, days: float) -> list[tuple[list[str], bool]]:
    """Let every plant live, as many at once as there are processors; return what `judged` does."""
    print(f"{days:g} days, seed {seed}", flush=True)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        works = [(plant, pool.submit(lived, plant, seed, days)) for plant in PLANTS]
        return judged([(plant, work.result()) for plant, work in works])


def report(ends: Sequence[tuple[Sequence[str], bool]]) -> int:
    """Print what was lived through; return the exit code."""
    for lines, _ in ends:
        print("\n".join(lines))
    return 0 if all(is_right for _, is_right in ends) else 1
