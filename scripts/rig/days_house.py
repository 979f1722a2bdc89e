"""A house that lives for days within minutes: Home Assistant with a real recorder, and BMS that get lost.

The loop's time is virtual, and every clock of Home Assistant goes with it. The recorder's thread is real,
so the house waits for it again and again; its database is a file.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
import sqlite3
import sys
from threading import Event
import time
from typing import Final
from unittest.mock import patch

from sqlalchemy import text

from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.in_process import InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from . import rows
from .life import NEW_YEAR
from .past import DATABASE

# How long the recorder may fall behind, in simulated s.
_PATIENCE: Final = 600.0
# In s.
_COMMIT_INTERVAL: Final = 60
# Statements that SQLite keeps. Those that forget old rows have hundreds of kB each, and usually it keeps 128.
_STATEMENTS: Final = 8
# As often as a BMS says everything, in s. Really it is pinged three times as often, which is a third of the work.
_PING_INTERVAL: Final = 1.0


@contextmanager
def calendar(start: float) -> Iterator[None]:
    """Let Home Assistant's clocks go with the loop's, from a time in s since 1970.

    Its modules take the functions that tell the time by their names, so they are replaced wherever they are.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()

    def timestamp() -> float:
        return start + loop.time() - began

    def utcnow() -> datetime:
        return datetime.fromtimestamp(timestamp(), UTC)

    def now(time_zone: tzinfo | None = None) -> datetime:
        return utcnow().astimezone(time_zone or dt_util.get_default_time_zone())

    clocks: list[tuple[object, object]] = [
        (time.time, timestamp),
        (dt_util.utcnow, utcnow),
        (dt_util.now, now),
    ]
    for real, virtual in clocks:
        _replace(real, virtual)
    try:
        yield
    finally:
        for real, virtual in clocks:
            _replace(virtual, real)


def _replace(old: object, new: object) -> None:
    """Put a function in the place of another one in Home Assistant, and in the module that tells the time."""
    for name, module in list(sys.modules.items()):
        if name == "time" or name.startswith("homeassistant."):
            for key in [key for key, value in vars(module).items() if value is old]:
                setattr(module, key, new)


class Air:
    """What lies between Home Assistant and its simulated BMS: who is out of reach is not heard."""

    def __init__(self) -> None:
        """Begin with everybody in reach."""
        self._peripherals: dict[int, BmsPeripheral] = {}
        self._away: set[int] = set()

    @contextmanager
    def between(self) -> Iterator[None]:
        """Be between Home Assistant and every BMS that is set up meanwhile."""
        with (
            patch("custom_components.smartbms.reach.InProcessClient", self._client),
            patch("custom_components.smartbms.link.client.PING_INTERVAL", _PING_INTERVAL),
        ):
            yield

    def _client(self, peripheral: BmsPeripheral, on_disconnect: Callable[[], None]) -> InProcessClient:
        self._peripherals[id(peripheral.firmware)] = peripheral
        if id(peripheral.firmware) in self._away:
            raise ConnectionRefusedError("out of reach")
        return InProcessClient(peripheral, on_disconnect)

    def lose(self, firmware: Firmware) -> None:
        """Take a BMS out of reach; a connection to it is lost."""
        self._away.add(id(firmware))
        self._peripherals[id(firmware)].drop()

    def find(self, firmware: Firmware) -> None:
        """Bring a BMS into reach again."""
        self._away.discard(id(firmware))


@dataclass(slots=True)
class _Tidy(RecorderTask):
    """Write everything down, and let go of what SQLite keeps for later."""

    def run(self, instance: Recorder) -> None:
        """Run within the recorder's thread, after a commit."""
        if (session := instance.event_session) is not None:
            session.expire_all()
            session.execute(text("PRAGMA shrink_memory"))


@dataclass(frozen=True, slots=True)
class Database:
    """What the recorder has kept: bytes of its file that are in use, and rows of states since some time."""

    size: int
    rows: Counter[str]


class House:
    """A Home Assistant with a recorder, in virtual time."""

    def __init__(self, hass: HomeAssistant, air: Air) -> None:
        """Live in a Home Assistant, with some air between it and its BMS."""
        self.hass = hass
        self.air = air
        self._recorder = get_instance(hass)

    async def pass_time(self, seconds: float) -> None:
        """Let some time pass; the recorder's thread keeps pace."""
        end = self.hass.loop.time() + seconds
        while (left := end - self.hass.loop.time()) > 0:
            await asyncio.sleep(min(left, _PATIENCE))
            await self.recorded()

    async def recorded(self) -> None:
        """Wait until the recorder has done all that was asked of it."""
        await self.hass.async_add_executor_job(self._recorder.block_till_done)

    async def tidy(self) -> None:
        """Have the recorder write everything down and let go of what it keeps for later."""
        self._recorder.queue_task(_Tidy())
        await self.recorded()

    async def database(self, since: float) -> Database:
        """Return what the recorder has kept; rows by entity, since a time in s since 1970."""
        path = Path(self.hass.config.path(DATABASE))
        return await self.hass.async_add_executor_job(_database, path, since)

    def stored(self) -> dict[str, int]:
        """Return the files that the integration keeps in Home Assistant's storage, with their bytes."""
        files = Path(self.hass.config.path(STORAGE_DIR)).glob(f"{DOMAIN}.*")
        return {path.name: path.stat().st_size for path in files}


def _database(path: Path, since: float) -> Database:
    with closing(sqlite3.connect(path)) as database:
        pages, unused, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        rows_since = database.execute(
            "SELECT states_meta.entity_id, count(*) FROM states JOIN states_meta USING (metadata_id) "
            "WHERE last_updated_ts >= ? GROUP BY metadata_id",
            (since,),
        )
        return Database((pages - unused) * size, Counter(dict(rows_since)))


@asynccontextmanager
async def _stillness() -> AsyncIterator[None]:
    """Let the clock stand while a thread that is no executor's works."""
    over = Event()
    waiting = asyncio.get_running_loop().run_in_executor(None, over.wait)
    try:
        yield
    finally:
        over.set()
        await waiting


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Run a Home Assistant with a recorder that keeps ten days in a file, from New Year on.

    It commits once a minute instead of every five seconds, which makes no other rows.
    """
    air = Air()
    with calendar(NEW_YEAR), air.between():
        async with rows.house() as hass:
            async_initialize_recorder(hass)
            url = f"sqlite:///{hass.config.path(DATABASE)}?cached_statements={_STATEMENTS}"
            config = {"db_url": url, "commit_interval": _COMMIT_INTERVAL}
            async with _stillness():
                assert await async_setup_component(hass, "recorder", {"recorder": config})
                await get_instance(hass).async_recorder_ready.wait()
            try:
                yield House(hass, air)
            except BaseException:
                # Else the recorder's thread goes on for ever.
                await hass.async_stop(force=True)
                raise
