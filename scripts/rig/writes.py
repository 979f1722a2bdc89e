"""Every change of a setting with everything that can go wrong, at every place, and how each ends.

Every setting of every generation meets every fault at every byte. Afterwards the device holds its old value or
the new one, and we know which; or we were told what else it holds. A case in which what we know is not what
the device holds is silent, and there must be none.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import Final

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.errors import NotInReachError, SmartBmsError
from custom_components.smartbms.bms.settings import SETTINGS, Block, Setting, SettingKey
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.bms.writes import Change, plan
from custom_components.smartbms.link.session import Session
from custom_components.smartbms.link.transaction import Outcome, PendingWrite, WriteStatus
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.in_process import InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.write_fault import Fault, WriteFault

# Long enough to come back after a power failure and settle what is pending.
_PATIENCE: Final = 60.0
_DEVICES: Final = (DeviceType.GEN2, DeviceType.GEN3_RAYTAC)
# A fault happens once, again while the old value is put back, or from then on.
_TIMES: Final = (1, 2, inf)
# What an address that nobody has confirmed may turn out to be: right, another setting's, hidden, refused.
_K = SettingKey
_UNCONFIRMED: Final[tuple[Mapping[int, SettingKey | None], ...]] = (
    {0x080: _K.CHARGE_RESTART, 0x081: _K.DISCHARGE_RESTART},
    {0x080: _K.DISCHARGE_RESTART, 0x081: _K.CHARGE_RESTART},
    {0x080: _K.V_MAX, 0x081: _K.T_MAX},
    {0x080: None, 0x081: None},
    {},
)


class End(StrEnum):
    """How a case ended."""

    OLD = "old"
    NEW = "new"
    REPORTED = "reported"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One write and what goes wrong with it.

    With `stops` our side ends where the link would be lost; with `is_early` the firmware sends the least
    fields that any does. `also_at` is what addresses are that nobody has confirmed.
    """

    device_type: DeviceType
    key: SettingKey
    old: int
    new: int
    fault: Fault | None = None
    at: int = 0
    times: float = 1
    stops: bool = False
    is_early: bool = False
    also_at: Mapping[int, SettingKey | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What goes wrong."""
        if self.fault is None:
            return "nothing"
        return self.fault.replace("link_lost", "stopped") if self.stops else self.fault.value


def news(row: Setting, old: int) -> list[int]:
    """Return counts to change to: another code, or with one byte and with both bytes up and down."""
    if row.codes:
        return [code for code in row.codes if code != old]
    steps = (1, 257, -257) if len(row.write_addresses) == 2 else (1, -1)
    return [old + step for step in steps if 0 <= old + step < 256 ** len(row.write_addresses)]


def cases() -> Iterator[Case]:
    """Yield every case."""
    for device_type in _DEVICES:
        for is_early in (False, True):
            firmware = firmware_of(device_type, lambda: 0.0, is_early=is_early)
            for row in SETTINGS.values():
                if row.key in firmware.counts:
                    for also_at in ({},) if row.addresses else _UNCONFIRMED:
                        for new in news(row, firmware.counts[row.key]):
                            yield from _of_change(
                                Case(
                                    device_type=device_type,
                                    key=row.key,
                                    old=firmware.counts[row.key],
                                    new=new,
                                    is_early=is_early,
                                    also_at=also_at,
                                )
                            )


def _of_change(case: Case) -> Iterator[Case]:
    """Yield a change with nothing and with everything that can go wrong."""
    yield case
    for at in range(len(plan(SETTINGS[case.key], case.old, case.new))):
        for fault in Fault:
            yield from (replace(case, fault=fault, at=at, times=times) for times in _TIMES)
            if fault in (Fault.LINK_LOST_BEFORE, Fault.LINK_LOST_AFTER):
                yield replace(case, fault=fault, at=at, stops=True)


def firmware_of(device_type: DeviceType, clock: Callable[[], float], *, is_early: bool) -> Firmware:
    """Return a simulated BMS with two cells, whose battery stands still."""
    firmware = Firmware(Battery(2), device_type, clock, speed=0)
    if is_early:
        for block in Block:
            is_relay = block in (Block.CHARGE_RELAY, Block.LOAD_RELAY)
            firmware.lack(block, 0 if is_relay else block.least_fields)
    return firmware


class Trial:
    """One case, lived through: what was told stands in `told`, what is pending in `pending`."""

    def __init__(self, case: Case) -> None:
        """Be in reach of a BMS that is as it left the factory."""
        self.case = case
        self.told: dict[SettingKey, float | None] = {}
        self.pending: tuple[PendingWrite, ...] = ()
        self.loop = asyncio.get_running_loop()
        self.firmware = firmware_of(case.device_type, self.loop.time, is_early=case.is_early)
        self.firmware.also_at = dict(case.also_at)
        self.bms = BmsPeripheral(self.firmware, "EC:FE:7E:00:0D:02", 3330)
        self.before = dict(self.firmware.counts)
        self.session = self._begin()

    def _begin(self) -> Session:
        session = Session(
            self._connect,
            pin=self.firmware.pin,
            generation=None,
            spawn=self._spawn,
            on_records=lambda: None,
            on_state=lambda: None,
            pending=self.pending,
            on_pending=self._note_pending,
            on_settled=self._note_settled,
        )
        session.start()
        return session

    async def _connect(self, lost: Callable[[], None]) -> InProcessClient:
        try:
            return await InProcessClient(self.bms, lost).connect()
        except ConnectionRefusedError as err:
            raise NotInReachError from err

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        return self.loop.create_task(work, name=name)

    def _note_pending(self, pending: tuple[PendingWrite, ...]) -> None:
        self.pending = pending

    def _note_settled(self, key: SettingKey, old: float, new: float, held: float) -> None:
        self.told[key] = held

    async def live(self) -> End:
        """Write, wait until all is settled, and compare what we know with what the device holds."""
        case, row = self.case, SETTINGS[self.case.key]
        await self._until(lambda: self.session.state is Connection.CONNECTED)
        if case.fault is not None:
            hang_up = self._stop if case.stops else self.bms.drop
            self.firmware.write_fault = WriteFault(
                fault=case.fault, at=case.at, times=case.times, hang_up=hang_up
            )
        try:
            outcome = await self.session.write([Change(case.key, row.value(case.new))])
        except SmartBmsError:
            self.told[case.key] = row.value(case.old)
        else:
            self.take(outcome)
        if case.stops:
            await self.session.stop()
            self.session = self._begin()
        await self._until(lambda: not self.pending and self.session.state is Connection.CONNECTED)
        await self.session.stop()
        return self.end()

    def end(self) -> End:
        """Return how it ended."""
        case, now = self.case, self.firmware.counts
        if self.pending:
            return End.REPORTED
        known = {
            key: self.told.get(key, row.value(self.before[key]))
            for key, row in SETTINGS.items()
            if key in now
        }
        if known != {key: SETTINGS[key].value(count) for key, count in now.items()}:
            return End.SILENT
        ends = {case.old: End.OLD, case.new: End.NEW}
        is_alone = now == {**self.before, case.key: now[case.key]}
        return ends.get(now[case.key], End.REPORTED) if is_alone else End.REPORTED

    def take(self, outcome: Outcome) -> None:
        """Believe what the status says; what is held counts only where that is unclear."""
        for change in outcome.changes:
            self.told[change.key] = {
                WriteStatus.VERIFIED: change.wanted,
                WriteStatus.UNCHANGED: change.old,
                WriteStatus.RESTORED: change.old,
                WriteStatus.UNCLEAR: change.held,
            }[outcome.status]

    def _stop(self) -> None:
        self._stopping = self.loop.create_task(self.session.stop())

    async def _until(self, holds: Callable[[], bool]) -> None:
        for _ in range(int(_PATIENCE)):
            if holds():
                return
            await asyncio.sleep(1)


async def write_all(trials: Iterable[Case]) -> tuple[Counter[tuple[str, End]], list[Case]]:
    """Live through some cases; return how many ended how, by what went wrong, and the silent ones."""
    ends: Counter[tuple[str, End]] = Counter()
    silent: list[Case] = []
    for case in trials:
        end = await Trial(case).live()
        ends[case.name, end] += 1
        if end is End.SILENT:
            silent.append(case)
    return ends, silent


def table(ends: Mapping[tuple[str, End], int]) -> Iterator[str]:
    """Yield the lines of the table."""
    names = dict.fromkeys(name for name, _ in ends)
    yield f"{'what goes wrong':24}" + "".join(f"{end:>10}" for end in End)
    for name in names:
        yield f"{name:24}" + "".join(f"{ends.get((name, end), 0):10}" for end in End)
    sums = [sum(count for (_, each), count in ends.items() if each is end) for end in End]
    yield f"{'all':24}" + "".join(f"{count:10}" for count in sums)


def report(ends: Mapping[tuple[str, End], int], silent: Sequence[Case]) -> int:
    """Print the table and every silent case; return the exit code."""
    print("\n".join(table(ends)))
    for case in silent:
        print(f"silent: {case}")
    return 1 if silent else 0
