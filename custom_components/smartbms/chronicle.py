"""What is known of one BMS beyond the moment: kept through restarts, and told as it becomes known."""

from collections.abc import Callable
from dataclasses import replace

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PIN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .archive import Archive, Remembered
from .bms.alarms import Alarm, break_cell
from .bms.device import Generation, TemperatureScale
from .bms.memory import Memory
from .bms.settings import SETTINGS, SettingKey
from .bms.state import Snapshot
from .const import FACTORY_PIN
from .device_memory import can_import, import_history, tell_logbook
from .issues import Issues
from .link.transaction import Held, PendingWrite
from .meter import Counters
from .model.diagnosis import Circumstances, Finding
from .model.ledger import Flow, Ledger
from .options import Options
from .written import tell_written, texts


def circumstances(entry: ConfigEntry, remembered: Remembered) -> Circumstances:
    """Return what matters for the findings and is not in what the BMS streams."""
    return Circumstances(
        has_factory_pin=entry.data.get(CONF_PIN) == FACTORY_PIN,
        rated_capacity=Options.of(entry.options).rated_capacity,
        break_cell=break_cell(remembered.log or ()),
    )


def _flows(ledger: Ledger) -> list[Flow]:
    """Return the flows that a ledger knows of."""
    return [flow for flow in Flow if ledger.total(flow) is not None]


class Chronicle:
    """Adds to what is remembered of a BMS, has it written down in its time, and tells the owner of it.

    `remembered` is all of it, and is replaced with everything that is added. `ledger` is the one that is
    written down: who shows that shows nothing which a crash takes back.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        archive: Archive,
        remembered: Remembered,
        *,
        issues: Issues,
        scale: TemperatureScale,
    ) -> None:
        """Go on from what is remembered; `scale` is that of the temperatures that are told."""
        self.remembered = remembered
        self.ledger = remembered.ledger
        self._hass = hass
        self._entry = entry
        self._archive = archive
        self._issues = issues
        self._scale = scale
        self._log_listeners: set[Callable[[Alarm], None]] = set()

    @property
    def wants_history(self) -> bool:
        """Whether the hourly history of the device is still to be imported, and can be."""
        return not self.remembered.has_history and can_import(self._hass)

    def findings(self, now: float) -> tuple[Finding, ...]:
        """Return what is wrong, most severe first; `now` in s since 1970."""
        return self.remembered.insight.findings(now, circumstances(self._entry, self.remembered))

    async def keep(self) -> None:
        """Write everything down now."""
        await self._archive.keep(self.remembered)

    def add_log_listener(self, listener: Callable[[Alarm], None]) -> Callable[[], None]:
        """Have a listener called for every new entry in the device's log; return what ends that."""
        self._log_listeners.add(listener)
        return lambda: self._log_listeners.discard(listener)

    def see(self, snapshot: Snapshot, generation: Generation, now: float) -> None:
        """Add what follows from a snapshot, heard at `now` in s since 1970."""
        insight = self.remembered.insight.seeing(snapshot, generation, now)
        self.remembered = replace(self.remembered, insight=insight)
        # What was written down before says more than the first words after a connection.
        if snapshot.cells:
            self._archive.keep_soon(self.remembered)

    def count(self, counters: Counters, now: float) -> None:
        """Add the energy that has flowed until `now` in s since 1970."""
        ledger = self.remembered.ledger.seeing(*counters, now=now)
        self.remembered = replace(self.remembered, ledger=ledger)
        self.keep_ledger(at_once=_flows(ledger) != _flows(self.ledger))

    def keep_ledger(self, *, at_once: bool) -> None:
        """Write down what has been counted, unless that was done less than a minute ago."""
        if self._archive.keep_ledger_soon(self.remembered.ledger, at_once=at_once):
            self.ledger = self.remembered.ledger

    @callback
    def on_memory(self, memory: Memory) -> None:
        """Tell what the device has logged; an old alarm is for the logbook, not for automations."""
        told = self.remembered.log
        for alarm in tell_logbook(self._hass, self._entry, memory, told or (), self._scale):
            for listener in list(self._log_listeners) if told is not None else ():
                listener(alarm)
        self.remembered = replace(self.remembered, log=memory.log)
        if memory.history is not None:
            self._entry.async_create_background_task(
                self._hass, self._import_history(memory.history), "smartbms history"
            )

    @callback
    def on_pending(self, pending: tuple[PendingWrite, ...]) -> None:
        """Write down at once what is not verified: nobody knows what happens before it is."""
        self.remembered = replace(self.remembered, pending=pending)
        self._entry.async_create_background_task(self._hass, self.keep(), "smartbms pending writes")

    @callback
    def on_settled(self, key: SettingKey, old: float, new: float, held: float) -> None:
        """Tell what became of a write that was interrupted."""
        told = Held(key, old, new, held)
        tell_written(self._hass, self._entry, told, self._scale, status="settled")
        self._issues.settled(key, texts(self._hass, told, self._scale))

    def tell_unclear(self) -> None:
        """Tell which writes of an earlier run nobody has verified."""
        for each in self.remembered.pending:
            if each.old_count == each.new_count:
                # Nobody wanted to change it; it is only to be looked at again.
                continue
            setting = SETTINGS[each.key]
            held = Held(each.key, setting.value(each.old_count), setting.value(each.new_count), None)
            self._issues.unclear(each.key, texts(self._hass, held, self._scale))

    def tell_firmware(self, firmware: str | None) -> None:
        """Tell the device registry of another firmware after an update of the BMS."""
        registry = dr.async_get(self._hass)
        for device in dr.async_entries_for_config_entry(registry, self._entry.entry_id):
            if device.sw_version != firmware:
                registry.async_update_device(device.id, sw_version=firmware)

    async def _import_history(self, history: tuple[int | None, ...]) -> None:
        if await import_history(self._hass, self._entry, history):
            self.remembered = replace(self.remembered, has_history=True)
