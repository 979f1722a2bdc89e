"""Staying connected to one BMS: named states, back-off, watchdog, periodic visits, pause.

The BMS takes one connection, and the owner's phone wants it too. So a session either stays
(*continuous*), comes for one full cycle every now and then (*periodic*), or keeps away for a while
(*paused*) and returns by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
import logging
from typing import Final

from ..bms.device import Generation
from ..bms.errors import (
    ConnectionLostError,
    FloodedError,
    NoAnswerError,
    NotInReachError,
    PausedError,
    PinRejectedError,
    SmartBmsError,
)
from ..bms.fold import Fold
from ..bms.lines import Rejection
from ..bms.memory import Memory
from ..bms.recording import Tap
from ..bms.settings import SettingKey
from ..bms.state import Connection
from ..bms.writes import Change
from .client import Client
from .memory import MemoryReader
from .transaction import Check, Outcome, PendingWrite
from .transport import GattClient
from .writer import OnPending, OnSettled, Writer

_LOGGER = logging.getLogger(__name__)

WATCHDOG: Final = 10.0
SETTINGS_INTERVAL: Final = 600.0
_SHORTEST_BACKOFF: Final = 1.0
_LONGEST_BACKOFF: Final = 60.0
# A device that advertises but cannot be used must not be tried without pause.
_SHORTEST_AFTER_WAKE: Final = 5.0
_HEARTBEAT: Final = 1.0
# A visit that has not heard every cell by then ends with what it has.
_SECONDS_PER_CELL: Final = 3.0

type Connect = Callable[[Callable[[], None]], Awaitable[GattClient]]
type Spawn = Callable[[Coroutine[object, object, None], str], asyncio.Task[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to treat the only connection: `visit_interval` in s, or `None` to stay connected."""

    visit_interval: float | None = None


class Session:
    """Keeps one BMS's data coming.

    `connect` returns a connected GATT client and calls its argument when the link is lost; it
    raises a `SmartBmsError` that says why there is none. `spawn` starts a task. `on_records` is
    called when a notification has brought records and they are folded, `on_state` when `state` or `error`
    has changed, `on_memory` when the device's own memory has been read; without it nobody reads it.

    `pending` is what an earlier session could not verify. `on_pending` is called with all of it whenever
    it has changed, before the first byte is written; `on_settled` for each write that was pending when
    the BMS was reached again, with its old, new and held value in the unit of the setting.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        pin: str | None,
        generation: Generation | None,
        spawn: Spawn,
        on_records: Callable[[], None],
        on_state: Callable[[], None],
        on_memory: Callable[[Memory], None] | None = None,
        plan: Plan | None = None,
        pending: Sequence[PendingWrite] = (),
        on_pending: OnPending = lambda _: None,
        on_settled: OnSettled = lambda key, old, new, held: None,
    ) -> None:
        """Prepare; `start` begins."""
        self.fold = Fold(generation or Generation.GEN3)
        self.state = Connection.DISCONNECTED
        self.error: SmartBmsError | None = None
        self.connections = 0
        self.last_contact: float | None = None
        self.paused_until: float | None = None
        self._connect = connect
        self._pin = pin
        self._generation = generation
        self._spawn = spawn
        self._on_records = on_records
        self._on_state = on_state
        self._memory = None if on_memory is None else MemoryReader(on_memory)
        self._writer = Writer(
            pending, on_pending=on_pending, on_settled=on_settled, on_settings=self._take_settings
        )
        self._tap: Tap | None = None
        self._plan = plan or Plan()
        self._settings: dict[SettingKey, float] = {}
        self._rejected: Counter[Rejection] = Counter()
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._has_lasted = False
        self._is_sane = True
        self._asked = self._heard = 0.0

    @property
    def rejected(self) -> Counter[Rejection]:
        """Everything that was received and thrown away, by reason."""
        current = self._client.reader.rejected if self._client is not None else Counter[Rejection]()
        return self._rejected + current + self.fold.rejected

    def start(self) -> None:
        """Begin to reach the BMS."""
        self._cancel()
        self._task = self._spawn(self._run(), "smartbms session")

    async def stop(self) -> None:
        """End everything; nothing is left running."""
        self._cancel()
        await self._ended()

    def wake(self) -> None:
        """Try now: the BMS was heard."""
        self._woken.set()

    def pause(self, seconds: float) -> None:
        """Let go of the BMS for a while; one that rejected the PIN has been let go of for good."""
        if self.state is Connection.PIN_REJECTED:
            return
        self.paused_until = asyncio.get_running_loop().time() + seconds
        self.start()

    def resume(self) -> None:
        """End a pause."""
        if self.paused_until is not None:
            self.paused_until = None
            self.start()

    @property
    def wants_history(self) -> bool:
        """Whether the memory shall bring the hourly history; once it has, no more."""
        return self._memory is not None and self._memory.wants_history

    @wants_history.setter
    def wants_history(self, wants: bool) -> None:
        if self._memory is not None:
            self._memory.wants_history = wants

    @property
    def is_recording(self) -> bool:
        """Whether somebody listens in."""
        return self._tap is not None

    def record(self, tap: Tap) -> None:
        """Let somebody listen in until `end_recording`: version and settings come first, then the memory.

        The tap hears the PIN; what it writes down is for a `Recorder` to say. Meanwhile a periodic
        visit does not end, and one that would come later comes now.
        """
        self._tap = tap
        if self._memory is not None:
            self._memory.ask_again()
        if self.state is Connection.WAITING:
            self.start()

    def end_recording(self) -> None:
        """Let nobody listen in any more."""
        self._tap = None
        if self._client is not None:
            self._client.tap = None

    @property
    def pending(self) -> tuple[PendingWrite, ...]:
        """What has been written and not been verified; empty unless a write went wrong or is under way."""
        return self._writer.pending

    async def write(self, changes: Sequence[Change], *, check: Check | None = None) -> Outcome:
        """Change some settings in the order given, all or nothing; a visit that would come later comes now.

        `check` gets all settings as they are read before the first byte, and refuses by raising. Raises
        what it raises, or the `SmartBmsError` for which nothing was written. When the connection is lost
        in the middle the outcome is unclear, and the next contact settles what is pending.
        """
        if self.state is Connection.PAUSED:
            raise PausedError
        if self._task is None:
            raise NotInReachError
        if self.error is not None:
            raise self.error
        if self.state is Connection.WAITING:
            self.start()
        return await self._writer.wish(changes, check)

    def _cancel(self) -> None:
        if (task := self._task) is not None:
            self._task = None
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()
            self._writer.refuse(ConnectionLostError())

    async def _ended(self) -> None:
        """Wait until no earlier run holds the connection any more."""
        while self._ending:
            await asyncio.wait(self._ending)

    async def _run(self) -> None:
        await self._ended()
        if self.paused_until is not None:
            self._set(Connection.PAUSED)
            await asyncio.sleep(self.paused_until - asyncio.get_running_loop().time())
            self.paused_until = None
        backoff = _SHORTEST_BACKOFF
        while True:
            self._has_lasted = False
            self._set(Connection.CONNECTING, self.error)
            try:
                await self._visit()
            except PinRejectedError as err:
                # Never by itself again: a wrong PIN stays wrong, and a person has to know.
                self._set(Connection.PIN_REJECTED, err)
                return
            except SmartBmsError as err:
                _LOGGER.debug("Visit ended: %s", err.key)
                self._is_sane = self._is_sane and not isinstance(err, FloodedError)
                self._set(Connection.DISCONNECTED, err)
            except Exception as err:
                _LOGGER.exception("Unexpected error; trying again")
                self._set(Connection.DISCONNECTED, ConnectionLostError(type(err).__name__))
            else:
                backoff = _SHORTEST_BACKOFF
                self._set(Connection.WAITING)
                if not self._writer.is_due:
                    await asyncio.sleep(self._plan.visit_interval or 0)
                continue
            # One that hangs up, floods or is silent at once must not be tried again at once.
            if self._has_lasted:
                backoff = _SHORTEST_BACKOFF
            await self._back_off(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    async def _back_off(self, seconds: float) -> None:
        """Wait, but no longer than a moment when the BMS is heard."""
        shortest = min(seconds, _SHORTEST_AFTER_WAKE)
        self._woken.clear()
        await asyncio.sleep(shortest)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds - shortest):
                await self._woken.wait()

    async def _visit(self) -> None:
        """Connect, read and listen until the link is lost or a periodic visit is complete.

        Raises the `SmartBmsError` that ended it.
        """
        client: Client | None = None

        def lost() -> None:
            if client is not None:
                client.lost()

        gatt = await self._connect(lost)
        client = Client(gatt, self._lines)
        try:
            async with client:
                self._client = client
                client.tap = self._tap
                await self._introduce(client)
                await self._listen(client)
        finally:
            self._rejected += client.reader.rejected
            self._client = None

    async def _introduce(self, client: Client) -> None:
        if self._pin is not None:
            await client.login(self._pin)
        # A stream that an earlier client left running would speak between the answers.
        await client.stop_stream()
        await self._read_version(client)
        await self._writer.settle(client, self.fold.generation)
        await self._read_settings(client)
        await client.start_stream()

    async def _read_version(self, client: Client) -> None:
        version = await client.version()
        if self._generation is None:
            self.fold.generation = version.generation
        self.fold.version(version)

    async def _read_settings(self, client: Client) -> None:
        self._take_settings(*await client.settings(self.fold.generation))

    def _take_settings(self, values: Mapping[SettingKey, float], verified: bool = True) -> None:
        # A block that is not answered this time has not changed what it said before.
        self._settings |= values
        self.fold.settings(self._settings, verified=verified)

    async def _write(self, client: Client) -> None:
        """Give the PIN again, because how long a login lasts is not known, and write."""
        try:
            if self._pin is not None:
                await client.login(self._pin)
        except PinRejectedError as err:
            self._writer.refuse(err)
            raise
        await self._writer.write(client, self.fold.generation)

    async def _listen(self, client: Client) -> None:
        time = asyncio.get_running_loop().time
        began = settings_read = self._asked = time()
        self.fold.begin_cycle()
        self.connections += 1
        self._set(Connection.CONNECTED)
        memory = self._memory if self.fold.generation is Generation.GEN3 else None
        if memory is not None:
            memory.begin()
        while not await client.wait_lost(_HEARTBEAT):
            now = time()
            if self._heard > began:
                self._has_lasted = self._is_sane = True
            if now - max(self._heard, self._asked) > WATCHDOG:
                raise NoAnswerError
            if client.tap is not self._tap:
                client.tap = self._tap
                settings_read = now
                await self._between_streams(client, self._read_version, self._read_settings)
            is_complete = self._is_complete(now - began)
            # The first values shall not wait for what the BMS remembers.
            if memory is not None and memory.is_due(self.fold.newest_log_entry) and is_complete:
                await self._between_streams(client, memory.read)
            if self._writer.is_due:
                await self._between_streams(client, self._write)
            if self._plan.visit_interval is not None and is_complete and self._tap is None:
                return
            if now - settings_read >= SETTINGS_INTERVAL:
                settings_read = now
                await self._between_streams(client, self._read_settings)
        raise client.loss

    async def _between_streams(self, client: Client, *questions: Callable[[Client], Awaitable[None]]) -> None:
        """Ask some questions while the stream is stopped; the silence is ours and not the BMS's."""
        try:
            await client.stop_stream()
            for ask in questions:
                await ask(client)
            await client.start_stream()
        except PinRejectedError as err:
            # The PIN was right a while ago: how long a login lasts is not known, so log in again.
            raise ConnectionLostError from err
        self._asked = asyncio.get_running_loop().time()

    def _is_complete(self, seconds: float) -> bool:
        patience = WATCHDOG + _SECONDS_PER_CELL * len(self.fold.snapshot().cells)
        return self.fold.full_cycle or seconds > patience

    def _lines(self, lines: list[str]) -> None:
        if self.fold.lines(lines):
            self._heard = asyncio.get_running_loop().time()
            # One that flooded us has to stay for a while before it is believed again.
            if self._is_sane:
                self.last_contact = self._heard
                self._on_records()

    def _set(self, state: Connection, error: SmartBmsError | None = None) -> None:
        self.state, self.error = state, error
        if state is Connection.PAUSED:
            self._writer.refuse(PausedError())
        elif error is not None and state is not Connection.CONNECTING:
            self._writer.refuse(error)
        self._on_state()
