"""A write as it is told: in the logbook, with old and new value and who asked."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant

from .bms.device import TemperatureScale
from .bms.settings import SETTINGS
from .const import EVENT_SETTING_WRITTEN
from .link.transaction import Held
from .telling import tell
from .words import words


def is_change(held: Held) -> bool:
    """Whether a setting was to change, or did."""
    count = SETTINGS[held.key].count
    return count(held.wanted) != count(held.old) or held.held not in (None, held.old)


def texts(hass: HomeAssistant, held: Held, scale: TemperatureScale) -> dict[str, str]:
    """Return what fills a sentence about a write: the setting, its old, wanted and held value."""
    said = words(hass)
    return {
        "setting": said.setting(held.key),
        "old": said.value(held.key, held.old, scale),
        "new": said.value(held.key, held.wanted, scale),
        "held": said.value(held.key, held.held, scale),
    }


def tell_written(
    hass: HomeAssistant,
    entry: ConfigEntry,
    held: Held,
    scale: TemperatureScale,
    *,
    status: str,
    context: Context | None = None,
) -> None:
    """Put a write into the logbook, however it ended; `status` is one that the logbook has words for."""
    told = {"key": held.key.value, "status": status, **texts(hass, held, scale)}
    tell(hass, entry, EVENT_SETTING_WRITTEN, told, context=context)
