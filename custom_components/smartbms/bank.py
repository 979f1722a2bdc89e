"""The one owner of a bank's entry: the coordinators of its members -> one state -> entities.

Nothing is polled: a bank follows the publications of its members, and their alarms at once. Its members
may be set up before or after it, reloaded, renamed, removed; the bank is there all the while.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final, TypeIs

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.service import async_get_config_entry

from .archive import File
from .const import CONF_MEMBERS, DOMAIN
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .model.bank import BankState, Member, combined
from .model.ledger import Flow
from .model.tally import Tally
from .publisher import Publisher

# In s. A member is missing once it is away for longer than a restart or a reload takes: setting up a BMS
# that is not in reach takes a minute.
_PATIENCE: Final = 90.0
# In s, as the members' ledgers.
_SAVE_INTERVAL: Final = 50.0
_GONE: Final = "member_gone"

type BankConfigEntry = ConfigEntry[Bank]
type Tallies = Mapping[Flow, Tally]


def is_bank(entry: ConfigEntry) -> TypeIs[BankConfigEntry]:
    """Whether an entry of the integration is a bank, and not a BMS."""
    return CONF_MEMBERS in entry.data


def refuse_bank(entry: ConfigEntry) -> None:
    """Raise `ServiceValidationError` for a bank, where only a BMS will do."""
    if is_bank(entry):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="is_a_bank",
            translation_placeholders={"name": entry.title},
        )


def bms_entry(hass: HomeAssistant, entry_id: str) -> SmartBmsConfigEntry:
    """Return the entry of a BMS that is loaded; raises `ServiceValidationError` for anything else."""
    entry: SmartBmsConfigEntry = async_get_config_entry(hass, DOMAIN, entry_id)
    refuse_bank(entry)
    return entry


class Bank(Publisher[BankState]):
    """Follows the members of a bank, and publishes what they are together."""

    config_entry: BankConfigEntry

    def __init__(self, hass: HomeAssistant, entry: BankConfigEntry) -> None:
        """Prepare a bank; `async_start` begins it."""
        super().__init__(hass, entry, BankState())
        self.members: tuple[str, ...] = tuple(entry.data[CONF_MEMBERS])
        self._tallies: Tallies = {flow: Tally() for flow in Flow}
        # What a member was called last, for when it is gone.
        self._names: dict[str, str] = {}
        self._file = _file(hass, entry)
        self._followed: dict[str, SmartBmsCoordinator] = {}
        self._leave: dict[str, list[CALLBACK_TYPE]] = {}
        self._away_since: dict[str, float] = {}
        self._publish_handle: asyncio.Handle | None = None
        self._patience_timer: asyncio.TimerHandle | None = None

    async def async_start(self) -> None:
        """Go on with what was counted, and follow the members that are there already."""
        stored = await self._file.load()
        stored = stored if isinstance(stored, Mapping) else {}
        names, tallies = stored.get("names"), stored.get("tallies")
        if isinstance(names, Mapping):
            self._names = {member: str(names[member]) for member in self.members if member in names}
        if isinstance(tallies, Mapping):
            self._tallies = {flow: Tally.from_json(tallies.get(flow.value)) for flow in Flow}
        entry = self.config_entry
        entry.async_on_unload(
            async_dispatcher_connect(self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._on_entry_changed)
        )
        self._follow()
        self._update()

    async def async_shutdown(self) -> None:
        """Leave the members alone; what they count from now on is added at the next start."""
        await super().async_shutdown()
        for member in self.members:
            self._unfollow(member)
        for handle in (self._publish_handle, self._patience_timer):
            if handle is not None:
                handle.cancel()

    def total(self, flow: Flow) -> float | None:
        """Return what all members have counted of a flow, in Wh; it only rises.

        It goes on while members are away, and stays as it is when they are added or removed. Not known
        before each has told its own.
        """
        return self._tallies[flow].total

    @callback
    def _on_entry_changed(self, _: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Follow a member that was loaded, unloaded, renamed or removed."""
        if entry.entry_id in self.members:
            self._follow()
            self._publish_soon()

    def _follow(self) -> None:
        """Listen to the members that are loaded, and to no others; say who is gone for good."""
        gone: list[str] = []
        for member in self.members:
            entry = self._entry(member)
            coordinator = entry.runtime_data if entry and entry.state is ConfigEntryState.LOADED else None
            if entry is None:
                gone.append(self._names.get(member, member))
            else:
                self._names[member] = entry.title
            if coordinator is self._followed.get(member):
                continue
            self._unfollow(member)
            if coordinator is not None:
                self._followed[member] = coordinator
                self._leave[member] = [
                    coordinator.async_add_listener(self._publish_soon),
                    coordinator.async_add_urgent_listener(self._publish_soon),
                ]
        _tell_gone(self.hass, self.config_entry, gone)

    def _unfollow(self, member: str) -> None:
        self._followed.pop(member, None)
        for leave in self._leave.pop(member, ()):
            leave()

    def _entry(self, member: str) -> SmartBmsConfigEntry | None:
        return self.hass.config_entries.async_get_entry(member)

    def _coordinator(self, member: str) -> SmartBmsCoordinator | None:
        """Return the coordinator of a member that is heard."""
        coordinator = self._followed.get(member)
        return coordinator if coordinator is not None and coordinator.is_available else None

    def _member(self, member: str, now: float) -> Member:
        coordinator = self._coordinator(member)
        if coordinator is not None:
            self._away_since.pop(member, None)
            return Member(name=self._names[member], snapshot=coordinator.data)
        away = now - self._away_since.setdefault(member, now)
        return Member(name=self._names.get(member, member), is_missing=away >= _PATIENCE)

    def _update(self) -> None:
        now = self.hass.loop.time()
        self.data = combined([self._member(member, now) for member in self.members])
        self.is_available = self.data.heard > 0
        self._count()
        self._await_missing(now)

    def _count(self) -> None:
        """Add what the ledgers have counted; it is shown once it is written down, as theirs is."""
        counted = {
            flow: tally.adding({member: self._ledger(member, flow) for member in self.members})
            for flow, tally in self._tallies.items()
        }
        # The first value of all is worth a write of its own.
        at_once = _known(counted) != _known(self._tallies)
        if self._file.save_soon(lambda: self._as_json(counted), at_once=at_once):
            self._tallies = counted

    def _ledger(self, member: str, flow: Flow) -> float | None:
        """Return what a member has counted, in Wh; it tells out of reach as well, but not unloaded."""
        coordinator = self._followed.get(member)
        return None if coordinator is None else coordinator.ledger.total(flow)

    def _as_json(self, tallies: Tallies) -> dict[str, object]:
        return {
            "names": dict(self._names),
            "tallies": {flow.value: tally.as_json() for flow, tally in tallies.items()},
        }

    def _await_missing(self, now: float) -> None:
        """Look again when the next member has been away for too long."""
        if self._patience_timer is not None:
            self._patience_timer.cancel()
            self._patience_timer = None
        ends = [since + _PATIENCE for since in self._away_since.values() if now - since < _PATIENCE]
        if ends:
            self._patience_timer = self.hass.loop.call_at(min(ends), self._publish)

    @callback
    def _publish_soon(self) -> None:
        """Publish once for all the members that publish within one pass of the loop."""
        if self._publish_handle is None:
            self._publish_handle = self.hass.loop.call_soon(self._publish)

    @callback
    def _publish(self) -> None:
        if self._publish_handle is not None:
            self._publish_handle.cancel()
            self._publish_handle = None
        self._update()
        self.async_update_listeners()


def bank_diagnostics(entry: BankConfigEntry) -> dict[str, object]:
    """Return what a download for a bug report holds of a bank; a bank has no secrets."""
    told: dict[str, object] = {"entry": {"version": entry.version, "data": dict(entry.data)}}
    if (bank := getattr(entry, "runtime_data", None)) is not None:
        told |= {"bank": asdict(bank.data), "totals": {flow.value: bank.total(flow) for flow in Flow}}
    return told


async def async_forget_bank(hass: HomeAssistant, entry: BankConfigEntry) -> None:
    """Remove what is stored and told of a bank that is gone."""
    _tell_gone(hass, entry, [])
    await _file(hass, entry).forget()


def _known(tallies: Tallies) -> list[Flow]:
    return [flow for flow, tally in tallies.items() if tally.total is not None]


def _file(hass: HomeAssistant, entry: BankConfigEntry) -> File:
    return File(hass, f"{DOMAIN}.{entry.entry_id}", _SAVE_INTERVAL)


def _tell_gone(hass: HomeAssistant, entry: BankConfigEntry, names: list[str]) -> None:
    """Ask the owner to choose the members anew when some are gone for good, or take that back."""
    issue = f"{_GONE}_{entry.entry_id}"
    if not names:
        ir.async_delete_issue(hass, DOMAIN, issue)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=_GONE,
        translation_placeholders={"name": entry.title, "members": ", ".join(names)},
    )
