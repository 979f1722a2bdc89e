"""What a BMS and a bank have in common: whoever listens is told at intervals, and of what is urgent at once."""

from collections.abc import Callable
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

_LOGGER: Final = logging.getLogger(__package__)


class Publisher[D](DataUpdateCoordinator[D]):
    """The owner of an entry; `is_available` says whether what it publishes is of now."""

    config_entry: ConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, first: D) -> None:
        """Publish for an entry; `first` is what is known before anything is."""
        super().__init__(hass, _LOGGER, config_entry=entry, name=entry.title)
        self.data = first
        self.is_available = False
        self._urgent_listeners: set[CALLBACK_TYPE] = set()

    @callback
    def async_add_urgent_listener(self, listener: CALLBACK_TYPE) -> Callable[[], None]:
        """Have a listener called at once when a status bit or the state of a link changes."""
        self._urgent_listeners.add(listener)
        return lambda: self._urgent_listeners.discard(listener)

    @callback
    def _call_urgent_listeners(self) -> None:
        for listener in list(self._urgent_listeners):
            listener()
