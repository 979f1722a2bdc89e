"""The actions: diagnose a BMS, in reach or not, and record what it says."""

import asyncio
from typing import TYPE_CHECKING, Final, cast

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.loader import async_get_loaded_integration
from homeassistant.util import dt as dt_util

from .archive import Archive
from .bank import bms_entry, refuse_bank
from .bms.errors import HypothesisError
from .bms.recording import Header, Recorder
from .chronicle import circumstances
from .const import DOMAIN
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .files import async_keep
from .model.hypothesis import hypothetical
from .model.report import report
from .options import Options
from .settings_actions import register_settings_actions

if TYPE_CHECKING:
    # Home Assistant 2026.9 and newer put this in the place of voluptuous.
    import probatio as vol
else:
    import voluptuous as vol

_DIAGNOSE: Final = "diagnose"
_RECORD: Final = "record"
_SETTINGS: Final = "settings"
_READING: Final = "reading"
_MINUTES: Final = "minutes"

_DIAGNOSE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Optional(_SETTINGS, default=dict): dict,
        vol.Optional(_READING, default=dict): dict,
    }
)
_RECORD_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Required(_MINUTES): vol.All(vol.Coerce(float), vol.Range(min=0, max=60, min_included=False)),
    }
)


@callback
def register_actions(hass: HomeAssistant) -> None:
    """Register the actions of the integration."""
    hass.services.async_register(
        DOMAIN, _DIAGNOSE, _diagnose, _DIAGNOSE_SCHEMA, supports_response=SupportsResponse.ONLY
    )
    hass.services.async_register(
        DOMAIN, _RECORD, _record, _RECORD_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    register_settings_actions(hass)


async def _diagnose(call: ServiceCall) -> ServiceResponse:
    """Answer with the report on a BMS, as it is or as it would be."""
    hass = call.hass
    entry: SmartBmsConfigEntry | None = hass.config_entries.async_get_entry(call.data[ATTR_CONFIG_ENTRY_ID])
    if entry is None or entry.domain != DOMAIN:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="unknown_bms")
    refuse_bank(entry)
    if entry.state is ConfigEntryState.LOADED:
        remembered = entry.runtime_data.remembered
    else:
        remembered = await Archive(hass, entry.entry_id).load(Options.of(entry.options).profile)
    insight, now = remembered.insight, dt_util.utcnow().timestamp()
    if insight.snapshot is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="nothing_known",
            translation_placeholders={"name": entry.title},
        )
    try:
        insight = hypothetical(insight, call.data[_SETTINGS], call.data[_READING])
    except HypothesisError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=err.key,
            translation_placeholders=err.placeholders,
        ) from err
    return cast(ServiceResponse, report(insight, now, circumstances(entry, remembered)))


async def _record(call: ServiceCall) -> ServiceResponse:
    """Write what a BMS says for some minutes into a file; answer with the file."""
    hass = call.hass
    entry = bms_entry(hass, call.data[ATTR_CONFIG_ENTRY_ID])
    coordinator = entry.runtime_data
    session = coordinator.session
    if session.is_recording:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="already_recording",
            translation_placeholders={"name": entry.title},
        )
    recorder = Recorder(_header(coordinator), hass.loop.time)
    session.record(recorder.tap)
    try:
        await _until_over(hass, entry, call.data[_MINUTES] * 60)
    finally:
        session.end_recording()
    path = await async_keep(hass, entry.title, "txt", recorder.text, error_key="not_recorded")
    return {"file": str(path), "lines": recorder.text.count("\n") - 1}


async def _until_over(hass: HomeAssistant, entry: SmartBmsConfigEntry, seconds: float) -> None:
    """Wait, but no longer than the entry is loaded: what was recorded until then is kept."""
    over: asyncio.Future[None] = hass.loop.create_future()

    @callback
    def end() -> None:
        if not over.done():
            over.set_result(None)

    timer = hass.loop.call_later(seconds, end)
    entry.async_on_unload(end)
    try:
        await over
    finally:
        timer.cancel()


def _header(coordinator: SmartBmsCoordinator) -> Header:
    integration = async_get_loaded_integration(coordinator.hass, DOMAIN)
    return Header(
        integration=str(integration.version),
        generation=coordinator.session.fold.generation,
        device_type=coordinator.device_type,
        began=dt_util.utcnow(),
    )
