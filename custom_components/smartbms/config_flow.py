"""Setting up a BMS: discovered, picked, simulated; a new PIN; the options. And a bank of several."""

from collections.abc import Mapping
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import BluetoothServiceInfoBleak
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlow,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_ADDRESS, CONF_PIN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util.ulid import ulid_now

from .bank import is_bank
from .bank_flow import BankSteps
from .bms.advertisement import NAME, Advertised, parse
from .bms.device import DeviceType, TemperatureScale
from .bms.errors import PinRejectedError, SmartBmsError
from .bms.state import Connection
from .const import CONF_DEVICE_TYPE, CONF_SERIAL_NUMBER, CONF_SIMULATED_CELLS, DOMAIN, FACTORY_PIN
from .coordinator import SmartBmsConfigEntry
from .link.client import Client
from .model.profiles import ProfileKey
from .options import (
    AUTOMATIC,
    CONF_MODE,
    CONF_PAUSE_MINUTES,
    CONF_PROFILE,
    CONF_PUBLISH_INTERVAL,
    CONF_RATED_CAPACITY,
    CONF_SETTINGS_UNLOCKED,
    CONF_TEMPERATURE_SCALE,
    CONF_UNCONFIRMED,
    CONF_VISIT_MINUTES,
    Mode,
    Options,
)
from .reach import reach

if TYPE_CHECKING:
    # Home Assistant 2026.9 and newer put this in the place of voluptuous.
    import probatio as vol
else:
    import voluptuous as vol

_LOGGER = logging.getLogger(__name__)

_PIN: Final = re.compile(r"[0-9]{4}")
_PIN_SCHEMA: Final = vol.Schema(
    {vol.Optional(CONF_PIN): TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))}
)
_SIMULATED_TYPES: Final = {"gen3": DeviceType.GEN3_RAYTAC, "gen2": DeviceType.GEN2}
_CONF_GENERATION: Final = "generation"
_CONF_CELLS: Final = "cells"


def _whole_number(low: int, high: int, unit: str | None = None) -> Any:
    config = NumberSelectorConfig(min=low, max=high, step=1, mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    return vol.All(NumberSelector(config), vol.Coerce(int))


def _choice(key: str, values: list[str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(options=values, translation_key=key, mode=SelectSelectorMode.LIST)
    )


_SIMULATED_SCHEMA: Final = vol.Schema(
    {
        vol.Required(_CONF_GENERATION, default="gen3"): _choice("generation", list(_SIMULATED_TYPES)),
        vol.Required(_CONF_CELLS, default=16): _whole_number(2, 255),
    }
)
_OPTIONS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_MODE): _choice(CONF_MODE, [mode.value for mode in Mode]),
        vol.Required(CONF_VISIT_MINUTES): _whole_number(1, 1440, "min"),
        vol.Required(CONF_PAUSE_MINUTES): _whole_number(1, 1440, "min"),
        vol.Required(CONF_PUBLISH_INTERVAL): _whole_number(1, 3600, "s"),
        vol.Required(CONF_TEMPERATURE_SCALE): _choice(
            CONF_TEMPERATURE_SCALE, [scale.value for scale in TemperatureScale]
        ),
        vol.Required(CONF_PROFILE): _choice(CONF_PROFILE, [AUTOMATIC, *(key.value for key in ProfileKey)]),
        vol.Optional(CONF_RATED_CAPACITY): NumberSelector(
            NumberSelectorConfig(
                min=0.1, max=10000, step=0.1, mode=NumberSelectorMode.BOX, unit_of_measurement="kWh"
            )
        ),
        vol.Required(CONF_SETTINGS_UNLOCKED): BooleanSelector(),
        vol.Required(CONF_UNCONFIRMED): BooleanSelector(),
    }
)


def _malformed(data: Mapping[str, object]) -> dict[str, str]:
    """Return the error of a PIN that cannot be one."""
    pin = data.get(CONF_PIN)
    return {} if pin is None or _PIN.fullmatch(str(pin)) else {CONF_PIN: "pin_format"}


async def validate(hass: HomeAssistant, data: Mapping[str, object], name: str) -> dict[str, str]:
    """Log in to the BMS that `data` describes and let go of it; return errors by field."""
    pin = data.get(CONF_PIN)
    try:
        gatt = await reach(hass, data, name).connect(lambda: None)
        async with Client(gatt, lambda _: None) as client:
            if pin is not None:
                await client.login(str(pin))
            await client.stop_stream()
            await client.version()
    except PinRejectedError as err:
        return {CONF_PIN: err.key}
    except SmartBmsError as err:
        return {"base": err.key}
    except Exception:
        _LOGGER.exception("Unexpected error while reaching %s", name)
        return {"base": "unknown"}
    return {}


class SmartBmsConfigFlow(BankSteps, domain=DOMAIN):
    """Sets up one BMS, or a bank of several that are."""

    VERSION = 1

    def __init__(self) -> None:
        """Know nothing yet."""
        self._address = ""
        self._advertised = Advertised()

    @staticmethod
    @callback
    def async_get_options_flow(config_entry: SmartBmsConfigEntry) -> OptionsFlow:
        """Return the flow of the options."""
        return SmartBmsOptionsFlow()

    @classmethod
    @callback
    def async_supports_options_flow(cls, config_entry: ConfigEntry) -> bool:
        """Return whether an entry has options; a bank follows those of its members."""
        return not is_bank(config_entry)

    async def async_step_bluetooth(self, discovery_info: BluetoothServiceInfoBleak) -> ConfigFlowResult:
        """Meet a device that Home Assistant heard; what is not a BMS is refused."""
        advertised = _advertised(discovery_info)
        if advertised is None:
            return self.async_abort(reason="not_supported")
        await self.async_set_unique_id(discovery_info.address)
        heard = {key: value for key, value in _identity(advertised).items() if value is not None}
        self._abort_if_unique_id_configured(updates=heard)
        return await self._found(discovery_info.address, advertised)

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose between a real and a simulated BMS, and a bank where there are BMS to make it of."""
        banks = ["bank"] if self.can_be_bank else []
        return self.async_show_menu(step_id="user", menu_options=["device", "simulated", *banks])

    async def async_step_device(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Pick one of the BMS in reach that are not set up."""
        known = self._async_current_ids(include_ignore=False)
        found = {
            info.address: advertised
            for info in bluetooth.async_discovered_service_info(self.hass, connectable=True)
            if info.address not in known and (advertised := _advertised(info)) is not None
        }
        if not found:
            reason = "no_devices_found" if bluetooth.async_scanner_count(self.hass) else "no_adapter"
            return self.async_abort(reason=reason)
        if user_input is not None and (address := user_input[CONF_ADDRESS]) in found:
            await self.async_set_unique_id(address, raise_on_progress=False)
            self._abort_if_unique_id_configured()
            return await self._found(address, found[address])
        options = [
            SelectOptionDict(value=address, label=f"{advertised.title} ({address})")
            for address, advertised in found.items()
        ]
        schema = vol.Schema(
            {vol.Required(CONF_ADDRESS): SelectSelector(SelectSelectorConfig(options=options))}
        )
        return self.async_show_form(step_id="device", data_schema=schema)

    async def async_step_simulated(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make a BMS that needs no hardware."""
        if user_input is None:
            return self.async_show_form(step_id="simulated", data_schema=_SIMULATED_SCHEMA)
        address = f"simulated_{ulid_now().lower()}"
        await self.async_set_unique_id(address)
        return self.async_create_entry(
            title=f"{NAME} simulator",
            data={
                CONF_ADDRESS: address,
                CONF_PIN: FACTORY_PIN,
                CONF_SIMULATED_CELLS: user_input[_CONF_CELLS],
                **_identity(Advertised(_SIMULATED_TYPES[user_input[_CONF_GENERATION]], "00001")),
            },
        )

    async def async_step_pin(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Log in before the entry is made."""
        errors: dict[str, str] = {}
        title = self._advertised.title
        if user_input is not None:
            data = {CONF_ADDRESS: self._address, **_identity(self._advertised), **_pin(user_input)}
            errors = _malformed(data) or await validate(self.hass, data, title)
            if not errors:
                return self.async_create_entry(title=title, data=data)
        return self._show_pin_form("pin", user_input or {CONF_PIN: FACTORY_PIN}, errors, title)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Learn that the BMS rejected the PIN."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the PIN that the BMS has now."""
        return await self._new_pin("reauth_confirm", self._get_reauth_entry(), user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Give another PIN, or choose other members."""
        if is_bank(self._get_reconfigure_entry()):
            return await self.async_step_members()
        return await self._new_pin("reconfigure", self._get_reconfigure_entry(), user_input)

    async def _new_pin(
        self, step_id: str, entry: SmartBmsConfigEntry, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Take another PIN for an entry."""
        errors: dict[str, str] = {}
        if user_input is not None:
            unchanged = {key: value for key, value in entry.data.items() if key != CONF_PIN}
            data = {**unchanged, **_pin(user_input)}
            errors = _malformed(data) or await self._try(entry, data)
            if not errors:
                return self.async_update_reload_and_abort(entry, data=data)
        return self._show_pin_form(step_id, user_input or {}, errors, entry.title)

    async def _try(self, entry: SmartBmsConfigEntry, data: Mapping[str, object]) -> dict[str, str]:
        """Log in with other data; a session has to let go of the BMS meanwhile."""
        session = entry.runtime_data.session if entry.state is ConfigEntryState.LOADED else None
        if session is None or session.state is Connection.PIN_REJECTED:
            # What was rejected is not tried again by itself, whatever becomes of this.
            return await validate(self.hass, data, entry.title)
        await session.stop()
        if errors := await validate(self.hass, data, entry.title):
            session.start()
        return errors

    async def _found(self, address: str, advertised: Advertised) -> ConfigFlowResult:
        self._address, self._advertised = address, advertised
        self.context["title_placeholders"] = {"name": advertised.title}
        return await self.async_step_pin()

    def _show_pin_form(
        self, step_id: str, suggested: Mapping[str, Any], errors: dict[str, str], name: str
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(_PIN_SCHEMA, suggested),
            errors=errors,
            description_placeholders={"name": name},
        )


class SmartBmsOptionsFlow(OptionsFlowWithReload):
    """Changes the options of an entry."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take all options at once."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        options = Options.of(self.config_entry.options)
        current = {
            CONF_MODE: options.mode.value,
            CONF_VISIT_MINUTES: options.visit_minutes,
            CONF_PAUSE_MINUTES: options.pause_minutes,
            CONF_PUBLISH_INTERVAL: options.publish_interval,
            CONF_TEMPERATURE_SCALE: options.temperature_scale.value,
            CONF_PROFILE: options.profile or AUTOMATIC,
            CONF_SETTINGS_UNLOCKED: options.settings_unlocked,
            CONF_UNCONFIRMED: options.unconfirmed,
        }
        if CONF_RATED_CAPACITY in self.config_entry.options:
            current[CONF_RATED_CAPACITY] = self.config_entry.options[CONF_RATED_CAPACITY]
        return self.async_show_form(
            step_id="init", data_schema=self.add_suggested_values_to_schema(_OPTIONS_SCHEMA, current)
        )


def _advertised(info: BluetoothServiceInfoBleak) -> Advertised | None:
    """Home Assistant gives a device without a name its address as one."""
    name = None if info.name == info.address else info.name
    return parse(name, info.manufacturer_data, info.service_uuids)


def _identity(advertised: Advertised) -> dict[str, Any]:
    """Return what an entry keeps of an advertisement; nothing where nothing was heard."""
    return {CONF_DEVICE_TYPE: advertised.device_type, CONF_SERIAL_NUMBER: advertised.serial_number}


def _pin(user_input: Mapping[str, Any]) -> dict[str, str]:
    """Return the PIN that was typed; a BMS that needs none is set up with an empty field."""
    pin = str(user_input.get(CONF_PIN, "")).strip()
    return {CONF_PIN: pin} if pin else {}
