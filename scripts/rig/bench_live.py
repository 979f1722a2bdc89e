"""What the integration costs a real Home Assistant, and how fast it is there, at real pace with default options.

Home Assistant runs as an owner's does, with its recorder, its Bluetooth and its ESPHome integration; the BMS
are simulated and in reach of a virtual proxy. CPU shares are those of the whole process less what the same process
took before the first BMS was set up: notifications on their way through ESPHome, Bluetooth and us, the states,
and the recorder's thread that stores them. Lags of the event loop are without waiting for a core and without
the collection of garbage, which has a line of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Final, cast

from custom_components.smartbms.coordinator import GRACE

from .api import Event, State
from .bench_house import BenchHouse, Pace, Pack, bench_house, own_pace, packs
from .hostile_soak import Cost
from .measuring import Line, percentile, summary
from .world import has_value

_HOUR: Final = 3600
_MILLISECONDS: Final = 1000
_CELLS: Final = 16
_MOST_CELLS: Final = 255
_PACKS: Final = 12
# Home Assistant has things to do after its start, and after a BMS was set up: the history that it imports.
_QUIET: Final = 5.0
_SETTLING: Final = 22.0
_CONNECTED_AGAIN: Final = 12.0
_EVENT_TIMEOUT: Final = 300.0
# Toggles come at any phase of what a BMS says once a second.
_BETWEEN_TOGGLES: Final = 0.3
_TOGGLES_A_ROUND: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often and how long (in s) things are measured.

    `losses` is how often all links are lost, and how often the largest pack is unloaded. `growing` are the
    numbers of packs between which memory is compared, `adding` the time in which the hundreds of entities of a
    large pack are added, and `counting` that in which writes are counted.
    """

    windows: int
    window: int
    toggles: int
    reloads: int
    large_reloads: int
    losses: int
    absences: int
    growing: tuple[int, ...]
    adding: float
    counting: float


LONG: Final = Plan(
    windows=3,
    window=20,
    toggles=100,
    reloads=3,
    large_reloads=2,
    losses=3,
    absences=3,
    growing=(2, 7, _PACKS),
    adding=75,
    counting=600,
)
SHORT: Final = Plan(
    windows=2,
    window=6,
    toggles=8,
    reloads=1,
    large_reloads=0,
    losses=1,
    absences=0,
    growing=(2, _PACKS),
    adding=20,
    counting=0,
)

type Story = Callable[[Plan], Coroutine[None, None, list[Line]]]


def measurements(*, short: bool) -> list[Callable[[], list[Line]]]:
    """Return what measures the lines; in the short form all of them at the same time."""
    if short:
        return [lambda: asyncio.run(_together(SHORT))]
    return [partial(_alone, story) for story in STORIES]


def _alone(story: Story) -> list[Line]:
    return asyncio.run(story(LONG))


async def _together(plan: Plan) -> list[Line]:
    return [line for lines in await asyncio.gather(*(story(plan) for story in STORIES)) for line in lines]


async def one_pack(plan: Plan) -> list[Line]:
    """Measure one pack of 16 cells: work, writes, from the wire to the state, from the connection to the values."""
    (pack,) = packs(1, 1)
    async with bench_house() as house:
        before = await _without_us(house, plan)
        await house.set_up(pack)
        await asyncio.sleep(_SETTLING)
        lines = await _work(house, plan, before, f"one pack of {_CELLS} cells", 0.5)
        if plan.counting:
            lines.append(await _writes(house, pack, plan.counting))
        lines += await _wire_to_state(house, pack, plan.toggles)
        paces = [await _reloaded(house, pack) for _ in range(plan.reloads)]
        return lines + against_own_pace(paces, _CELLS)


async def twelve_packs(plan: Plan) -> list[Line]:
    """Measure twelve packs: the work, the memory, the event loop, and the loss of all links at once."""
    all_packs, memory = packs(101, _PACKS), list[float]()
    async with bench_house() as house:
        before = await _without_us(house, plan)
        for begin, end in pairwise((0, *plan.growing)):
            for pack in all_packs[begin:end]:
                await house.set_up(pack)
            await asyncio.sleep(_SETTLING)
            memory.append(await house.settled_memory())
        lines = await _work(house, plan, before, f"{_PACKS} packs of {_CELLS} cells", 5.0)
        growth = [
            (more - less) / (end - begin)
            for (less, begin), (more, end) in pairwise(zip(memory, plan.growing, strict=True))
        ]
        lines.append(summary("memory of a pack", "MB", 5.0, growth))
        lines += lags(f"{_PACKS} packs", [await house.lag(plan.window) for _ in range(plan.windows)])
        lost = [await _lost(house, all_packs) for _ in range(plan.losses)]
        lines += lags(f"{_PACKS} links lost at once", lost)
        away = [await _away(house, all_packs) for _ in range(plan.absences)]
        return lines + lags(f"{_PACKS} packs out of reach and back at once", away)


async def largest_pack(plan: Plan) -> list[Line]:
    """Measure 255 cells: setting them up and unloading them, the work, and how long until all are known."""
    (pack,) = packs(201, 1, _MOST_CELLS)
    what = f"{_MOST_CELLS} cells"
    async with bench_house() as house:
        before = await _without_us(house, plan)
        flow = await house.discovered(pack)
        await house.meter.begin()
        await house.here.api.flow_step(flow, {"pin": pack.firmware.pin})
        await asyncio.sleep(plan.adding)
        lines = lags(f"{what} set up", [await house.meter.cost()])
        lines += await _work(house, plan, before, what, 1.0)
        reloads = []
        for _ in range(plan.losses):
            await house.meter.begin()
            await house.reload(pack)
            await asyncio.sleep(plan.adding)
            reloads.append(await house.meter.cost())
        lines += lags(f"{what} unloaded and set up again", reloads)
        paces = [await _reloaded(house, pack) for _ in range(plan.large_reloads)]
        return lines + against_own_pace(paces, _MOST_CELLS)


STORIES: Final[tuple[Story, ...]] = (one_pack, twelve_packs, largest_pack)


async def _without_us(house: BenchHouse, plan: Plan) -> float:
    """Return the work of Home Assistant without us, in % of a core."""
    await asyncio.sleep(_QUIET)
    return median((await house.work(plan.windows, plan.window)).windows)


async def _work(house: BenchHouse, plan: Plan, before: float, what: str, limit: float) -> list[Line]:
    work = await house.work(plan.windows, plan.window)
    return [
        summary(f"CPU share, {what}", "%", limit, [share - before for share in work.windows]),
        summary(f"CPU share of the busiest second, {what}", "%", None, work.busiest),
    ]


def lags(what: str, costs: Sequence[Cost]) -> list[Line]:
    """Return the lines of the event loop, if there are any; the longest block is that of all repeats."""
    if not costs:
        return []
    longest = [cost.longest for cost in costs]
    return [
        summary(f"event loop lag p99, {what}", "ms", 5.0, [cost.p99 for cost in costs]),
        Line(
            name=f"longest block, {what}",
            unit="ms",
            value=max(longest),
            spread=max(longest) - min(longest),
            limit=50.0,
        ),
        summary(f"longest collection of garbage, {what}", "ms", None, [cost.collection for cost in costs]),
    ]


async def _lost(house: BenchHouse, those: Sequence[Pack]) -> Cost:
    """Lose all links in the same instant; return what that cost until they are there again."""
    await house.meter.begin()
    for pack in those:
        house.here.proxy.drop_link(pack.address)
    await asyncio.sleep(_CONNECTED_AGAIN)
    return await house.meter.cost()


async def _away(house: BenchHouse, those: Sequence[Pack]) -> Cost:
    """Take all out of reach until none is available, and bring them back; return what that cost."""
    await house.meter.begin()
    house.here.proxy.out_of_reach.update(pack.address for pack in those)
    await asyncio.sleep(GRACE + _CONNECTED_AGAIN)
    house.here.proxy.out_of_reach.clear()
    await asyncio.sleep(_CONNECTED_AGAIN)
    return await house.meter.cost()


async def _writes(house: BenchHouse, pack: Pack, seconds: float) -> Line:
    """Count the states of a pack that are written in a while."""
    own = {each["entity_id"] for each in await house.here.api.entities() if pack.owns(each["unique_id"])}
    async with house.here.api.subscribe_events("state_changed") as events:
        await asyncio.sleep(seconds)
        written = 0
        while not events.empty():
            written += events.get_nowait()["data"]["entity_id"] in own
    return summary("state writes of one pack, counted live", "/h", None, [written * _HOUR / seconds])


async def _wire_to_state(house: BenchHouse, pack: Pack, toggles: int) -> list[Line]:
    """Break and mend the chain of cells; measure from the record that settles it to the state that shows it."""
    entity_id = (await house.entity(pack, "communication_error"))["entity_id"]
    delays = []
    async with house.here.api.subscribe_events("state_changed") as events:
        for number in range(toggles):
            is_broken = number % 2 == 0
            pack.firmware.statuses.clear()
            pack.firmware.chain_broken = is_broken
            shown = await _until(events, entity_id, _says("on" if is_broken else "off"))
            delays.append(_MILLISECONDS * (shown - pack.firmware.debounced(is_broken=is_broken)))
            await asyncio.sleep(_BETWEEN_TOGGLES)
    rounds = [delays[begin : begin + _TOGGLES_A_ROUND] for begin in range(0, toggles, _TOGGLES_A_ROUND)]
    return [
        _percentile_line("wire to state, p50", rounds, 0.5),
        _percentile_line("wire to state, p99", rounds, 0.99),
    ]


def _percentile_line(name: str, rounds: Sequence[Sequence[float]], share: float) -> Line:
    """Return the line of a percentile of all toggles, with the spread of the rounds."""
    each = [percentile(delays, share) for delays in rounds]
    value = percentile([delay for delays in rounds for delay in delays], share)
    return Line(name=name, unit="ms", value=value, spread=max(each) - min(each), limit=20.0)


async def _reloaded(house: BenchHouse, pack: Pack) -> Pace:
    """Reload the entry of a pack; return how long after the connection the first value and all cells are shown."""
    async with house.here.api.subscribe_events("state_changed") as events:
        await house.reload(pack)
        first = await _until(events, pack.sensor("voltage"), has_value)
        # There is no average before every cell has been heard.
        all_cells = await _until(events, pack.sensor("average_cell_voltage"), has_value)
    connected = pack.firmware.connected_at
    return Pace(first - connected, all_cells - connected)


def against_own_pace(paces: Sequence[Pace], cells: int) -> list[Line]:
    """Return how often the time of the BMS itself it took; no lines where nothing was measured."""
    own = own_pace(cells)
    ratios = {
        "first values": [pace.first / own.first for pace in paces],
        "all": [pace.all / own.all for pace in paces],
    }
    return [
        summary(f"connection to {what} of {cells} cells, to the pace of the BMS", "x", 1.1, values)
        for what, values in ratios.items()
        if values
    ]


def _says(text: str) -> Callable[[State], bool]:
    return lambda state: state["state"] == text


async def _until(events: asyncio.Queue[Event], entity_id: str, is_wanted: Callable[[State], bool]) -> float:
    """Wait for a state of an entity; return when it was written, in s since 1970."""
    async with asyncio.timeout(_EVENT_TIMEOUT):
        while True:
            event = await events.get()
            state = cast(State | None, event["data"]["new_state"])
            if event["data"]["entity_id"] == entity_id and state is not None and is_wanted(state):
                return datetime.fromisoformat(event["time_fired"]).timestamp()
