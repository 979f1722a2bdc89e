"""What is said in the language of the installation, because Home Assistant does not translate it.

It translates a sentence and shows what fills that as it stands, and of the logbook it translates nothing.
So the names of settings and of their states are taken from the translations of the entities, and what is
left from the translations of this integration. Numbers and units stay as they are.
"""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import (
    LOCALE_EN,
    async_get_cached_translations,
    async_load_integrations,
)

from .bms.device import TemperatureScale
from .bms.settings import SETTINGS, SettingKey, Unit
from .bms.state import Snapshot
from .bms.writes import BALANCE_VOLTAGE
from .const import DOMAIN
from .model.chemistry import Chemistry
from .model.finding import CurrentSensor
from .model.foresight import SwitchedOff
from .model.relays import Cause, Relay, Rule
from .model.report import cause_as_json, shown
from .setting_values import CODES, to_person

# The manuals' name of a threshold that is no setting; like V min it is the same in every language.
_V_BALANCE: Final = "V balance"
# Where the texts are; that a switch is on or off is said by Home Assistant itself.
_SOURCES: Final = (
    (DOMAIN, "common"),
    (DOMAIN, "entity"),
    (DOMAIN, "exceptions"),
    (SWITCH_DOMAIN, "entity_component"),
)
# The entity of each relay, and the one that says what blocks it.
_RELAYS: Final[Mapping[Relay, tuple[str, str]]] = MappingProxyType(
    {
        Relay.CHARGE: ("charge_relay", "charging_blocked_by"),
        Relay.LOAD: ("load_relay", "discharging_blocked_by"),
    }
)
# A sensor is called as the entity that shows its current.
_SENSORS: Final[Mapping[CurrentSensor, tuple[str, ...]]] = MappingProxyType(
    {
        CurrentSensor.BATTERY: ("current",),
        CurrentSensor.CHARGE: ("charge_current",),
        CurrentSensor.LOAD: ("load_current",),
        CurrentSensor.BOTH: ("charge_current", "load_current"),
    }
)


async def async_load_words(hass: HomeAssistant) -> None:
    """Have the texts of the installation's language at hand; until then, and of what it lacks, the English."""
    await async_load_integrations(hass, {integration for integration, _ in _SOURCES})


@callback
def words(hass: HomeAssistant) -> Words:
    """Return the words of the language of the installation."""
    return Words(
        ChainMap(
            *(
                async_get_cached_translations(hass, language, category, integration)
                for language in (hass.config.language, LOCALE_EN)
                for integration, category in _SOURCES
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Says things by the texts of a language, as Home Assistant has them: by their path.

    A text that is missing is shown as its path.
    """

    texts: Mapping[str, str]

    def sentence(self, key: str, /, **filled: object) -> str:
        """Return a text of this integration that no other part of Home Assistant shows, filled."""
        return self._own(f"common.{key}").format(**filled)

    def reason(self, key: str) -> str:
        """Return the message of an error, as a sentence within others."""
        return self._own(f"exceptions.{key}.message")

    def alarm(self, kind: str) -> str:
        """Return what an alarm in the device's own log is called."""
        return self._own(f"entity.event.device_log.state_attributes.event_type.state.{kind}")

    def chemistry(self, chemistry: Chemistry) -> str:
        """Return what the cells are made of; only other cells have a name that is translated."""
        if chemistry is Chemistry.OTHER:
            return self._own(f"entity.select.{SettingKey.CHEMISTRY}.state.{chemistry}")
        return chemistry.value

    def setting(self, key: SettingKey) -> str:
        """Return what a setting is called."""
        return self._own(f"entity.{_platform(key)}.{key}.name")

    def value(self, key: SettingKey, value: float | None, scale: TemperatureScale) -> str:
        """Return the value of a setting with its unit, or its name; a dash for what is not known."""
        if value is None:
            return shown(None)
        if (names := CODES.get(key)) is not None:
            name = names.get(round(value))
            # What no source names has nothing but its number.
            return str(round(value)) if name is None else self._own(f"entity.select.{key}.state.{name}")
        match SETTINGS[key].unit:
            case Unit.FLAG:
                return self._text(f"{SWITCH_DOMAIN}.entity_component._.state.{'on' if value else 'off'}")
            case Unit.RAW_TEMPERATURE:
                return f"{shown(to_person(key, value, scale))} °C"
            case unit:
                return f"{shown(float(value))} {unit}"

    def named(self, placeholders: Mapping[str, str]) -> dict[str, str]:
        """Return what fills the message of a `SettingRefusedError`, with the names of the settings."""
        names = self._settings() | {BALANCE_VOLTAGE: _V_BALANCE}
        return {each: text.format_map(names) for each, text in placeholders.items()}

    def evidence(self, evidence: Mapping[str, float | str]) -> dict[str, str]:
        """Return what fills the text of a finding: numbers, settings and sensors."""
        names = self._settings() | {
            sensor.value: ", ".join(self._own(f"entity.sensor.{key}.name") for key in keys)
            for sensor, keys in _SENSORS.items()
        }
        return {each: names.get(str(value), shown(value)) for each, value in evidence.items()}

    def switched_off(self, each: SwitchedOff, snapshot: Snapshot) -> str:
        """Return a relay with everything that switches it off; its own settings need no reason."""
        relay, blocked_by = _RELAYS[each.relay]
        name = self._own(f"entity.binary_sensor.{relay}.name")
        causes = "; ".join(self._cause(cause, blocked_by, snapshot) for cause in each.causes)
        return f"{name} ({causes})" if causes else name

    def _cause(self, cause: Cause, blocked_by: str, snapshot: Snapshot) -> str:
        told = cause_as_json(snapshot, cause)
        # Nothing but a temperature or a voltage switches off what is on.
        unit = "°C" if cause.rule in (Rule.TOO_COLD, Rule.TOO_HOT) else "V"
        return self.sentence(
            "cause",
            cause=self._own(f"entity.sensor.{blocked_by}.state.{cause.rule}"),
            cell=shown(told["cell"]),
            value=f"{shown(told['value'])} {unit}",
            limit=f"{shown(told['limit'])} {unit}",
        )

    def _settings(self) -> dict[str, str]:
        """Return the names of all settings by their keys."""
        return {key.value: self.setting(key) for key in SettingKey}

    def _own(self, path: str) -> str:
        return self._text(f"{DOMAIN}.{path}")

    def _text(self, path: str) -> str:
        return self.texts.get(f"component.{path}", path)


def _platform(key: SettingKey) -> str:
    """Return the platform whose entity shows a setting."""
    if key in CODES:
        return "select"
    return "switch" if SETTINGS[key].unit is Unit.FLAG else "number"
