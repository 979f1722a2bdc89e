"""The life of one BMS and of the session that keeps its data coming."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.memory import Memory
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.link.session import Plan, Session
from custom_components.smartbms.link.transaction import PendingWrite
from custom_components.smartbms.simulator.peripheral import BmsPeripheral

from .bench import Recorder

MINUTE, HOUR = 60.0, 3600.0


class Life:
    """One BMS, the way to it, and everything a session does with both."""

    def __init__(self, bms: BmsPeripheral) -> None:
        """Be in reach."""
        self.bms = bms
        self.via: type[Recorder] = Recorder
        self.trouble: Exception | None = None
        self.hangs = False
        self.attempts: list[float] = []
        self.links: list[Recorder] = []
        self.states: list[tuple[float, Connection, str | None]] = []
        self.records: list[float] = []
        self.memories: list[Memory] = []
        self.pendings: list[tuple[PendingWrite, ...]] = []
        self.settled: list[tuple[SettingKey, float, float, float]] = []
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._session: Session | None = None
        self._accepted = 0
        self.eager = False

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self._loop.time() - self._began

    @property
    def session(self) -> Session:
        """The session."""
        assert self._session is not None
        return self._session

    def begin(
        self,
        *,
        pin: str | None = None,
        generation: Generation | None = None,
        visit_interval: float | None = None,
        reads_memory: bool = False,
        wants_history: bool = False,
        pending: Sequence[PendingWrite] = (),
    ) -> Session:
        """Start a session."""
        self._session = Session(
            self._connect,
            pin=pin,
            generation=generation,
            spawn=self._spawn,
            on_records=self._note_records,
            on_state=self._note,
            on_memory=self.memories.append if reads_memory else None,
            plan=None if visit_interval is None else Plan(visit_interval=visit_interval),
            pending=pending,
            on_pending=self.pendings.append,
            on_settled=lambda *settled: self.settled.append(settled),
        )
        self._session.wants_history = wants_history
        self._session.start()
        return self._session

    async def until(self, state: Connection) -> None:
        """Wait for a state."""
        async with asyncio.timeout(HOUR):
            while self.session.state is not state:
                await asyncio.sleep(0.1)

    async def _connect(self, lost: Callable[[], None]) -> Recorder:
        self.attempts.append(round(self.now, 1))
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        self.links.append(await self.via(self.bms, lost).connect())
        return self.links[-1]

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        return asyncio.Task(work, loop=self._loop, name=name, eager_start=self.eager)

    def _note_records(self) -> None:
        """Note the time of each record; a notification may have brought several."""
        accepted = self.session.fold.accepted
        self.records += [self.now] * (accepted - self._accepted)
        self._accepted = accepted

    def _note(self) -> None:
        error = self.session.error
        self.states.append((round(self.now, 1), self.session.state, error.key if error else None))
