"""What is remembered of one BMS through restarts, in Home Assistant's storage."""

from collections.abc import Mapping
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
from .model.profiles import ProfileKey

_VERSION: Final = 1
_SAVE_INTERVAL: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What an earlier run knew.

    `log` holds the entries of the device's log that have been told, `None` when it was never read;
    `has_history` whether its hourly history has been imported; `pending` are writes that were not
    verified.
    """

    insight: Insight
    log: tuple[LogEntry, ...] | None = None
    has_history: bool = False
    pending: tuple[PendingWrite, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it as the storage keeps it."""
        return {
            "insight": self.insight.as_json(),
            "log": None if self.log is None else log_as_json(self.log),
            "has_history": self.has_history,
            "pending": [asdict(each) for each in self.pending],
        }

    @classmethod
    def from_json(cls, data: object, manual: ProfileKey | None) -> Self:
        """Return what was stored; nothing where it cannot be read."""
        stored = data if isinstance(data, Mapping) else {}
        return cls(
            insight=Insight.from_json(stored.get("insight"), manual),
            log=log_from_json(stored.get("log")),
            has_history=stored.get("has_history") is True,
            pending=_pending(stored.get("pending")),
        )


def _pending(data: object) -> tuple[PendingWrite, ...]:
    """Return the writes that were stored; one that cannot be read or written is none."""
    found: list[PendingWrite] = []
    for each in data if isinstance(data, list) else ():
        stored = each if isinstance(each, Mapping) else {}
        setting = next((row for row in SETTINGS.values() if row.key == stored.get("key")), None)
        old, new = stored.get("old_count"), stored.get("new_count")
        if setting is not None and isinstance(old, int) and isinstance(new, int):
            most = 256 ** len(setting.write_addresses)
            if 0 <= old < most and 0 <= new < most:
                found.append(PendingWrite(setting.key, old, new))
    return tuple(found)


class Archive:
    """The storage of one entry; written every five minutes, and when the entry is unloaded."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare; nothing is read yet."""
        self._store: Store[dict[str, object]] = Store(hass, _VERSION, f"{DOMAIN}.{entry_id}")
        self._saved: float | None = None
        self._time = hass.loop.time

    async def load(self, manual: ProfileKey | None) -> Remembered:
        """Return what an earlier run knew; nothing where there was none."""
        return Remembered.from_json(await self._store.async_load(), manual)

    async def keep(self, remembered: Remembered) -> None:
        """Write it down now."""
        await self._store.async_save(remembered.as_json())

    def keep_soon(self, remembered: Remembered) -> None:
        """Write it down, unless that was done a moment ago."""
        now = self._time()
        if self._saved is None or now - self._saved >= _SAVE_INTERVAL:
            self._saved = now
            self._store.async_delay_save(remembered.as_json)

    async def forget(self) -> None:
        """Remove everything."""
        await self._store.async_remove()
