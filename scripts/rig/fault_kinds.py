"""Every fault that the soak lets happen, and when: a schedule that follows from a seed alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from .esphome_link import ENDED_BY_DEVICE, ENDED_BY_HOST, FAILED_TO_ESTABLISH, LINK_TIMEOUT
from .esphome_session import GATT_ERROR


class Kind(StrEnum):
    """What goes wrong."""

    LINK_DROPPED = "link dropped"
    WRITES_FAIL = "writes fail"
    OUT_OF_REACH = "out of reach for seconds"
    AWAY = "out of reach for hours"
    OUT_OF_REACH_OF_ONE = "out of reach of one proxy"
    PHONE = "phone app connected"
    POWER_CYCLED = "BMS power-cycled"
    PIN_CHANGED = "PIN changed"
    CELLS_CHANGED = "cell count changed"
    CLOCK_JUMPED = "clock of the BMS jumped"
    LOST = "notifications lost"
    DOUBLED = "notifications doubled"
    REORDERED = "notifications reordered"
    CUT = "notifications cut"
    WITHHELD = "replies withheld"
    CLIENT_CUT = "connection to the proxy cut"
    PROXY_KILLED = "proxy killed"
    PROXY_RESTARTED = "proxy restarted"
    PROXY_HUNG = "proxy hung"
    SLOTS_TAKEN = "slots taken by others"
    ADAPTER_GONE = "adapter gone"
    HOME_ASSISTANT_RESTARTED = "Home Assistant restarted"
    HOME_ASSISTANT_KILLED = "Home Assistant killed"


class Lane(StrEnum):
    """What a fault happens to; two faults of the same BMS never last at the same time."""

    BMS = "BMS"
    PROXIES = "proxies"
    HOME_ASSISTANT = "Home Assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind: how often it is one of a thousand faults, from how many to how many seconds it lasts.

    `details` are those of which one is chosen: reasons of a lost link, hours lived, numbers of proxies,
    minutes of a clock, one in how many notifications.
    """

    lane: Lane = Lane.BMS
    share: int
    seconds: tuple[float, float] = (0.0, 0.0)
    details: tuple[int, ...] = (0,)


_ONE_IN: Final = (3, 6, 12, 25)
# Out of reach for longer than the grace time, a battery lives through as many hours as it is away.
_HOURS: Final = (1, 3, 8, 14, 30)
# A proxy that hangs comes round before Home Assistant gives it up, which takes 90 s; its BMS are held fast so long.
KINDS: Final[Mapping[Kind, Row]] = {
    Kind.LINK_DROPPED: Row(
        share=240, details=(LINK_TIMEOUT, ENDED_BY_DEVICE, ENDED_BY_HOST, FAILED_TO_ESTABLISH, GATT_ERROR)
    ),
    Kind.WRITES_FAIL: Row(share=50, seconds=(0.5, 4.0)),
    Kind.OUT_OF_REACH: Row(share=110, seconds=(1.0, 18.0)),
    Kind.AWAY: Row(share=30, seconds=(34.0, 45.0), details=_HOURS),
    Kind.OUT_OF_REACH_OF_ONE: Row(share=70, seconds=(2.0, 12.0), details=(0, 1)),
    Kind.PHONE: Row(share=70, seconds=(1.0, 10.0)),
    Kind.POWER_CYCLED: Row(share=70, seconds=(0.5, 10.0)),
    Kind.PIN_CHANGED: Row(share=30),
    Kind.CELLS_CHANGED: Row(share=25, seconds=(1.0, 4.0), details=(-1, 1)),
    Kind.CLOCK_JUMPED: Row(share=45, details=(-720, -60, 1, 60, 95, 720)),
    Kind.LOST: Row(share=35, seconds=(2.0, 6.0), details=_ONE_IN),
    Kind.DOUBLED: Row(share=35, seconds=(2.0, 6.0), details=_ONE_IN),
    Kind.REORDERED: Row(share=35, seconds=(2.0, 6.0), details=_ONE_IN),
    Kind.CUT: Row(share=35, seconds=(2.0, 6.0), details=_ONE_IN),
    Kind.WITHHELD: Row(share=40, seconds=(1.0, 14.0)),
    Kind.CLIENT_CUT: Row(lane=Lane.PROXIES, share=14, details=(0, 1)),
    Kind.PROXY_KILLED: Row(lane=Lane.PROXIES, share=12, seconds=(1.0, 15.0), details=(0, 1)),
    Kind.PROXY_RESTARTED: Row(lane=Lane.PROXIES, share=10, details=(0, 1)),
    Kind.PROXY_HUNG: Row(lane=Lane.PROXIES, share=8, seconds=(2.0, 40.0), details=(0, 1)),
    Kind.SLOTS_TAKEN: Row(lane=Lane.PROXIES, share=10, seconds=(2.0, 10.0)),
    # One of the two, or both.
    Kind.ADAPTER_GONE: Row(lane=Lane.PROXIES, share=6, seconds=(1.0, 6.0), details=(0, 1, 2)),
    Kind.HOME_ASSISTANT_RESTARTED: Row(lane=Lane.HOME_ASSISTANT, share=10),
    Kind.HOME_ASSISTANT_KILLED: Row(lane=Lane.HOME_ASSISTANT, share=10),
}
# Whatever has leaked since Home Assistant started last is found at the end: this share of the faults is later.
_LAST_RUN: Final = 0.15
# What it takes to be connected again, in s, as far as the schedule has to know.
_RECOVERY: Final = 5.0
# A fault comes some time after the last one is over, in s; one in so many while its BMS is coming back.
_PAUSES: Final = (0.1, 2.0)
_EARLY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One fault: it happens to the `bms` of this index, or to none where that is `None`.

    It comes `pause` seconds after the last fault of its lane is over; that of one which `is_early` is not
    over when the next begins, as its BMS is not connected again. Faults of proxies and of Home Assistant
    wait until as many faults have happened as their place in the schedule says.
    """

    kind: Kind
    bms: int | None
    seconds: float
    detail: int
    pause: float
    is_early: bool


def schedule(seed: int, count: int, devices: int) -> tuple[Planned, ...]:
    """Return some faults of so many BMS; every kind occurs where there are enough.

    The same seed returns the same schedule.
    """
    random = Random(seed)
    numbers = dict(_numbers(count))
    ends = [kind for kind in numbers if KINDS[kind].lane is Lane.HOME_ASSISTANT for _ in range(numbers[kind])]
    others = [kind for kind in numbers if KINDS[kind].lane is not Lane.HOME_ASSISTANT]
    kinds = [kind for kind in others for _ in range(numbers[kind])]
    random.shuffle(kinds)
    random.shuffle(ends)
    for number, kind in enumerate(ends, 1):
        kinds.insert(int(count * (1 - _LAST_RUN) * number / len(ends)), kind)
    busy = [0.0] * devices
    return tuple(_planned(random, kind, busy) for kind in kinds)


def _numbers(count: int) -> Iterator[tuple[Kind, int]]:
    """Yield how many there are of each kind: its share, and one at least while there is room."""
    shares = sum(row.share for row in KINDS.values())
    left = count
    for kind, row in sorted(KINDS.items(), key=lambda item: item[1].share):
        number = min(max(round(left * row.share / shares), 1), left)
        yield kind, number
        left -= number
        shares -= row.share


def _planned(random: Random, kind: Kind, busy: list[float]) -> Planned:
    """Return a fault; one of a BMS happens to that which has the least to bear so far."""
    row = KINDS[kind]
    seconds, pause = random.uniform(*row.seconds), random.uniform(*_PAUSES)
    is_early = random.randrange(_EARLY) == 0
    bms = None
    if row.lane is Lane.BMS:
        bms = busy.index(min(busy))
        busy[bms] += seconds + pause + (0.0 if is_early else _RECOVERY)
    return Planned(
        kind=kind,
        bms=bms,
        seconds=round(seconds, 2),
        detail=random.choice(row.details),
        pause=round(pause, 2),
        is_early=is_early and bms is not None,
    )
