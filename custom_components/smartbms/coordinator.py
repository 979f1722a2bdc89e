"""The one owner of an entry: session -> snapshot -> entities.

Alarms and relays are published at once, everything else at most every publish interval, because
Home Assistant's event loop and database belong to the user.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import logging
from random import Random
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PIN, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.util import dt as dt_util

from .archive import Archive, Remembered
from .bms.alarms import Alarm
from .bms.device import DeviceType
from .bms.errors import HeldElsewhereError, NoAnswerError, NotInReachError, PinRejectedError, SmartBmsError
from .bms.state import Connection, Snapshot
from .chronicle import Chronicle
from .const import CONF_DEVICE_TYPE, CONF_SIMULATED_CELLS, DOMAIN
from .issues import Issues
from .link.session import Plan, Session
from .meter import Meter
from .model.diagnosis import Finding
from .model.insight import Insight
from .model.ledger import Ledger
from .model.twin import differs, patience
from .options import Mode, Options
from .publisher import Publisher
from .reach import reach

_LOGGER = logging.getLogger(__name__)

# Entities keep their values this long after the last word of the BMS.
GRACE: Final = 30.0
# A status bit is shown at once, but not more often than this, in s: a BMS says one a second.
_URGENT_INTERVAL: Final = 0.1
_SETUP_TIMEOUT: Final = 60.0
# What is heard for the first time shall not wait for a long publish interval: the first record of each kind,
# and the last cell. In s; long enough that what comes together is shown together.
_FIRST_PUBLISH: Final = 0.01
# What happens to all batteries at once shall not hold up the event loop: each takes its turn, within so many s
# where the first values come, and where they are given up.
_TURNS: Final = 0.04
_TURNS_OF_GRACE: Final = 0.25
# Out of reach, what is predicted goes on.
_PUBLISH_WITHOUT_BMS: Final = 60.0

type SmartBmsConfigEntry = ConfigEntry[SmartBmsCoordinator]


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What is known of the link itself."""

    state: Connection
    signal_strength: int | None
    rejected: int
    last_contact: datetime | None


class SmartBmsCoordinator(Publisher[Snapshot]):
    """Owns the session of one BMS, publishes what it says, and tells errors in words."""

    config_entry: SmartBmsConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: SmartBmsConfigEntry, archive: Archive, remembered: Remembered
    ) -> None:
        """Prepare the session of an entry, which goes on from what is remembered; `async_start` begins it."""
        self.options = Options.of(entry.options)
        super().__init__(hass, entry, Snapshot(temperature_scale=self.options.temperature_scale))
        self.findings: tuple[Finding, ...] = ()
        self.is_simulated = CONF_SIMULATED_CELLS in entry.data
        device_type: int | None = entry.data[CONF_DEVICE_TYPE]
        self.device_type = None if device_type is None else DeviceType(device_type)
        self._agreed = hass.loop.time()
        self._differing = 0.0
        self._has_news = False
        self.issues = Issues(hass, entry.entry_id, entry.title)
        scale = self.options.temperature_scale
        self.chronicle = Chronicle(hass, entry, archive, remembered, issues=self.issues, scale=scale)
        self.reach = reach(hass, entry.data, entry.title, self.options.profile)
        self.session = Session(
            self.reach.connect,
            pin=entry.data.get(CONF_PIN),
            generation=self.device_type.generation if self.device_type else None,
            spawn=lambda coroutine, name: entry.async_create_background_task(hass, coroutine, name),
            on_records=self._on_records,
            on_state=self._on_state,
            on_memory=self.chronicle.on_memory,
            pending=remembered.pending,
            on_pending=self.chronicle.on_pending,
            on_settled=self.chronicle.on_settled,
            plan=Plan(
                visit_interval=self.options.visit_minutes * 60 if self.options.mode is Mode.PERIODIC else None
            ),
        )
        self._meter = Meter(self.session.fold, hass.loop.time)
        self._heard = self.session.fold.heard
        self._turn = Random(entry.unique_id).random()
        self._contact: tuple[float | None, datetime | None] = None, None
        self._first_contact: asyncio.Future[None] = hass.loop.create_future()
        self._publish_timer: asyncio.TimerHandle | None = None
        self._urgent_timer: asyncio.TimerHandle | None = None
        self._grace_timer: asyncio.TimerHandle | None = None

    async def async_start(self) -> None:
        """Connect and log in.

        Raises `ConfigEntryAuthFailed` when the PIN is rejected, `ConfigEntryNotReady` with what is
        missing when the BMS cannot be reached and never was.
        """
        entry = self.config_entry
        if self.hass.is_stopping:
            # It would not be told to let go of the BMS any more.
            raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key=NotInReachError.key)
        self._recall()
        # Not only once: a set-up that is ended by it takes the listener away afterwards.
        entry.async_on_unload(self.hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._on_stop))
        if (radio := self.reach.radio) is not None:
            entry.async_on_unload(radio.on_heard(self.session.wake))
        self.session.start()
        try:
            async with asyncio.timeout(_SETUP_TIMEOUT):
                await self._first_contact
        except PinRejectedError as err:
            raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key=err.key) from err
        except (SmartBmsError, TimeoutError) as err:
            if self.insight.snapshot is not None and not self.hass.is_stopping:
                # What an earlier run knew answers until the BMS is back.
                self._publish()
                return
            key = err.key if isinstance(err, SmartBmsError) else NoAnswerError.key
            raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key=key) from err

    async def async_shutdown(self) -> None:
        """Let go of the BMS; nothing is left running."""
        await super().async_shutdown()
        # To cancel a set-up that waits would be told as an error.
        self._settle(NotInReachError())
        await self.session.stop()
        await self.chronicle.keep()
        self._end_grace()
        self._cancel_publish()
        if self._urgent_timer is not None:
            self._urgent_timer.cancel()

    @property
    def link(self) -> LinkStatus:
        """The state of the link now."""
        contact = self.session.last_contact
        if contact is not None and contact != self._contact[0]:
            # Only once: reading two clocks anew would let the second flicker.
            ago = timedelta(seconds=self.hass.loop.time() - contact)
            self._contact = contact, (dt_util.utcnow() - ago).replace(microsecond=0)
        radio = self.reach.radio
        return LinkStatus(
            state=self.session.state,
            signal_strength=None if radio is None else radio.signal_strength,
            rejected=self.session.rejected.total(),
            last_contact=self._contact[1],
        )

    @property
    def remembered(self) -> Remembered:
        """What is known of the BMS beyond the moment."""
        return self.chronicle.remembered

    @property
    def ledger(self) -> Ledger:
        """What energy has flowed, in reach or not: never less than what was shown before a crash."""
        return self.chronicle.ledger

    @property
    def insight(self) -> Insight:
        """What is understood of the BMS, in reach or not."""
        return self.remembered.insight

    @property
    def now(self) -> float:
        """The time in seconds since 1970."""
        return dt_util.utcnow().timestamp()

    @property
    def differs_from_manual(self) -> bool | None:
        """Whether the BMS has done something else than its manual says for longer than it may take."""
        if self.insight.decision is None:
            return None
        return self._differing > patience(self.data.settings)

    @callback
    def async_add_log_listener(self, listener: Callable[[Alarm], None]) -> Callable[[], None]:
        """Have a listener called for every new entry in the device's log."""
        return self.chronicle.add_log_listener(listener)

    @callback
    def async_pause(self) -> None:
        """Leave the only connection to somebody else for as long as the options say."""
        self.session.pause(self.options.pause_minutes * 60)

    @callback
    def async_publish_settings(self) -> None:
        """Show at once what a write has read back; the stream says nothing of settings."""
        if self.is_available:
            self._has_news = True
            self._publish()

    @callback
    def _on_records(self) -> None:
        self._has_news = True
        if self._grace_timer is not None:
            self._end_grace()
        if not self.is_available:
            self._become_available()
        if (counters := self._meter.read()) is not None:
            self.chronicle.count(counters, self.now)
        if self._urgent_timer is None:
            self._publish_status()
        heard = self.session.fold.heard
        self._publish_within(self.options.publish_interval if heard == self._heard else _FIRST_PUBLISH)
        self._heard = heard

    def _publish_within(self, seconds: float) -> None:
        """Publish after some seconds, when it is the turn of this BMS, unless that is done earlier."""
        due = self.hass.loop.time() + seconds + self._turn * _TURNS
        if self._publish_timer is None or due < self._publish_timer.when():
            self._cancel_publish()
            self._publish_timer = self.hass.loop.call_at(due, self._publish)

    @callback
    def _publish_status(self) -> None:
        """Show a change of the status bits, and look again after a moment."""
        self._urgent_timer = None
        if self.session.fold.status != self.data.status:
            self._urgent_timer = self.hass.loop.call_later(_URGENT_INTERVAL, self._publish_status)
            self._update_data()
            self._call_urgent_listeners()

    @callback
    def _on_state(self) -> None:
        session = self.session
        if session.state is Connection.CONNECTED:
            self._settle(None)
            self._meter.begin()
            self.chronicle.tell_firmware(self.session.fold.snapshot().firmware)
            self.issues.held_elsewhere(False)
        else:
            if session.error is not None and session.state is not Connection.CONNECTING:
                self._settle(session.error)
                self._explain(session.error)
            self._begin_grace()
            self.chronicle.keep_ledger(at_once=True)
            self._publish()
        self._call_urgent_listeners()

    def _settle(self, error: SmartBmsError | None) -> None:
        """Tell the set-up how the first attempt ended."""
        if self._first_contact.done():
            return
        if error is None:
            self._first_contact.set_result(None)
        else:
            self._first_contact.set_exception(error)

    def _explain(self, error: SmartBmsError) -> None:
        """Ask for what only a person can give, and have the next advertisement count as news."""
        if isinstance(error, PinRejectedError):
            self.config_entry.async_start_reauth(self.hass)
        self.issues.held_elsewhere(isinstance(error, HeldElsewhereError))
        if self.reach.radio is not None:
            self.reach.radio.hear_anew()

    def _begin_grace(self) -> None:
        """Count down until the values are too old to be shown."""
        self._end_grace()
        contact = self.session.last_contact
        if not self.is_available or contact is None:
            return
        # Between two visits the values of the last one stay; one visit may be missed.
        visits = 2 * self.options.visit_minutes * 60 if self.options.mode is Mode.PERIODIC else 0
        due = contact + visits + GRACE + self._turn * _TURNS_OF_GRACE
        self._grace_timer = self.hass.loop.call_at(due, self._become_unavailable)

    def _end_grace(self) -> None:
        if self._grace_timer is not None:
            self._grace_timer.cancel()
            self._grace_timer = None

    @callback
    def _become_unavailable(self) -> None:
        self._grace_timer = None
        self.is_available = False
        _LOGGER.warning("%s is unavailable (%s)", self.name, self._absence)
        # What comes next must not be mixed with what was true then.
        self.session.fold.forget()
        self._has_news = False
        self._publish()

    @property
    def _absence(self) -> str:
        """Why nothing is heard."""
        session = self.session
        if session.error is not None:
            return session.error.key
        return NoAnswerError.key if session.state is Connection.CONNECTED else session.state.value

    def _become_available(self) -> None:
        self.is_available = True
        _LOGGER.info("%s is available", self.name)
        # What was known before is not known now.
        self.data = Snapshot(temperature_scale=self.options.temperature_scale)

    def _recall(self) -> None:
        """Show what an earlier run knew, until the BMS says something."""
        insight, fold = self.insight, self.session.fold
        if insight.snapshot is not None:
            self.data = replace(insight.snapshot, temperature_scale=self.options.temperature_scale)
            if self.device_type is None:
                fold.generation = insight.generation
        self.chronicle.tell_unclear()
        self.session.wants_history = self.chronicle.wants_history

    def _update_data(self) -> None:
        if not self._has_news:
            return
        self._has_news = False
        fold = self.session.fold
        self.data = replace(fold.snapshot(), temperature_scale=self.options.temperature_scale)
        self.chronicle.see(self.data, fold.generation, self.now)
        now = self.hass.loop.time()
        if not differs(self.insight.decision, self.data):
            self._agreed = now
        self._differing = now - self._agreed

    @callback
    def _publish(self) -> None:
        self._cancel_publish()
        self._update_data()
        self.findings = self.chronicle.findings(self.now)
        self.issues.findings(self.findings)
        self.async_update_listeners()
        if self.session.state is not Connection.CONNECTED:
            self._publish_within(_PUBLISH_WITHOUT_BMS)

    def _cancel_publish(self) -> None:
        if self._publish_timer is not None:
            self._publish_timer.cancel()
            self._publish_timer = None

    async def _on_stop(self, _: Event) -> None:
        await self.async_shutdown()
