"""What is remembered of one BMS through restarts, in Home Assistant's storage."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .bms.settings import SETTINGS
from .bms.state import LogEntry
from .bms.stored import log_as_json, log_from_json
from .const import DOMAIN
from .link.transaction import PendingWrite
from .model.insight import Insight
from .model.ledger import Ledger
from .model.profiles import ProfileKey

_VERSION: Final = 1
_SAVE_INTERVAL: Final = 300.0
# A crash shall lose less than a minute of energy; it is read once a second.
_SAVE_LEDGER_INTERVAL: Final = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What an earlier run knew.

    `ledger` is what energy has flowed; `log` holds the entries of the device's log that have been told,
    `None` when it was never read; `has_history` whether its hourly history has been imported; `pending`
    are writes that were not verified.
    """

    insight: Insight
    ledger: Ledger = Ledger()
    log: tuple[LogEntry, ...] | None = None
    has_history: bool = False
    pending: tuple[PendingWrite, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it as the storage keeps it; the ledger is kept apart."""
        return {
            "insight": self.insight.as_json(),
            "log": None if self.log is None else log_as_json(self.log),
            "has_history": self.has_history,
            "pending": [asdict(each) for each in self.pending],
        }

    @classmethod
    def from_json(cls, data: object, manual: ProfileKey | None, ledger: object = None) -> Self:
        """Return what was stored, the ledger apart; nothing where it cannot be read."""
        stored = data if isinstance(data, Mapping) else {}
        return cls(
            insight=Insight.from_json(stored.get("insight"), manual),
            ledger=Ledger.from_json(ledger),
            log=log_from_json(stored.get("log")),
            has_history=stored.get("has_history") is True,
            pending=_pending(stored.get("pending")),
        )


def _pending(data: object) -> tuple[PendingWrite, ...]:
    """Return the writes that were stored; one that cannot be read or written is none."""
    found: list[PendingWrite] = []
    for each in data[: len(SETTINGS)] if isinstance(data, list) else ():
        stored = each if isinstance(each, Mapping) else {}
        setting = next((row for row in SETTINGS.values() if row.key == stored.get("key")), None)
        old, new = stored.get("old_count"), stored.get("new_count")
        if setting is not None and isinstance(old, int) and isinstance(new, int):
            most = 256 ** len(setting.write_addresses)
            if 0 <= old < most and 0 <= new < most:
                found.append(PendingWrite(setting.key, old, new))
    return tuple(found)


class File:
    """A file in Home Assistant's storage, written at most every so many seconds and only when it changes."""

    def __init__(self, hass: HomeAssistant, name: str, interval: float) -> None:
        """Prepare; nothing is read yet. The interval is in seconds."""
        self._store: Store[dict[str, object]] = Store(hass, _VERSION, name)
        self._time = hass.loop.time
        self._interval = interval
        self._saved: float | None = None
        self._content: dict[str, object] | None = None

    async def load(self) -> object:
        """Return what was written last, `None` where nothing was."""
        self._content = await self._store.async_load()
        return self._content

    async def save(self, content: dict[str, object]) -> None:
        """Write now."""
        self._content = content
        await self._store.async_save(content)

    def save_soon(self, as_json: Callable[[], dict[str, object]], *, at_once: bool = False) -> bool:
        """Write, unless that was done a moment ago; return whether this is what is written.

        `as_json` is only asked when it is written.
        """
        now = self._time()
        if not at_once and self._saved is not None and now - self._saved < self._interval:
            return False
        self._saved = now
        if (content := as_json()) != self._content:
            self._content = content
            self._store.async_delay_save(lambda: content)
        return True

    async def forget(self) -> None:
        """Remove the file."""
        await self._store.async_remove()


class Archive:
    """The storage of one entry; written every five minutes, and when the entry is unloaded.

    The ledger has a file of its own, which is small and written more often.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare; nothing is read yet."""
        self._knowledge = File(hass, f"{DOMAIN}.{entry_id}", _SAVE_INTERVAL)
        self._ledger = File(hass, f"{DOMAIN}.{entry_id}.energy", _SAVE_LEDGER_INTERVAL)

    async def load(self, manual: ProfileKey | None) -> Remembered:
        """Return what an earlier run knew; nothing where there was none."""
        return Remembered.from_json(await self._knowledge.load(), manual, await self._ledger.load())

    async def keep(self, remembered: Remembered) -> None:
        """Write it down now."""
        await self._knowledge.save(remembered.as_json())
        await self._ledger.save(remembered.ledger.as_json())

    def keep_soon(self, remembered: Remembered) -> None:
        """Write it down, unless that was done a moment ago."""
        self._knowledge.save_soon(remembered.as_json)

    def keep_ledger_soon(self, ledger: Ledger, *, at_once: bool) -> bool:
        """Write the ledger down, unless that was done a moment ago; return whether it is this one."""
        return self._ledger.save_soon(ledger.as_json, at_once=at_once)

    async def forget(self) -> None:
        """Remove everything."""
        await self._knowledge.forget()
        await self._ledger.forget()
