"""Changing what a BMS was set up with: the PIN, asked for or not, and the options."""

import asyncio

from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .flows import flow_of, suggested
from .radio import ADDRESS, TITLE, Radio, entry_of, set_up, shown, still_bms

OTHER = "EC:FE:7E:00:0D:03"


async def reconfigure(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> ConfigFlowResult:
    """Choose to reconfigure a BMS."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )


# A new PIN.


async def test_a_new_pin_after_it_was_rejected(hass: HomeAssistant, radio: Radio) -> None:
    """The PIN was changed in the phone app: Home Assistant asks once, and never tries the old one again."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    bms.firmware.pin = "8642"
    bms.drop()
    await asyncio.sleep(300)
    assert shown(hass, "connection") == "pin_rejected"
    attempts = radio.attempts
    flow_id = flow_of(hass)
    form = await hass.config_entries.flow.async_configure(flow_id)
    assert (form["step_id"], form["errors"]) == ("reauth_confirm", {})
    assert form["description_placeholders"] == {"name": TITLE}

    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1111"})
    assert form["errors"] == {"pin": "pin_rejected"}
    await asyncio.sleep(300)
    assert radio.attempts == attempts + 1

    result = await hass.config_entries.flow.async_configure(flow_id, {"pin": "8642"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await hass.async_block_till_done()
    await asyncio.sleep(10)
    assert entry.data["pin"] == "8642"
    assert shown(hass, "connection") == "connected"


async def test_reconfiguring_with_the_right_pin(hass: HomeAssistant, radio: Radio) -> None:
    """While the PIN is tried the session lets go; afterwards it returns with the new PIN."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    bms.firmware.pin = "8642"
    form = await reconfigure(hass, entry)
    assert (form["step_id"], form["errors"]) == ("reconfigure", {})
    assert suggested(form) == {"pin": None}
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "8642"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    await asyncio.sleep(10)
    assert dict(entry.data) == {
        "address": ADDRESS,
        "pin": "8642",
        "device_type": 6,
        "serial_number": "03330",
    }
    assert bms.connected
    assert shown(hass, "connection") == "connected"


async def test_reconfiguring_with_what_is_no_pin(hass: HomeAssistant, radio: Radio) -> None:
    """A slip of the finger does not even interrupt the connection."""
    entry = await set_up(hass, radio, still_bms(hass))
    form = await reconfigure(hass, entry)
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "12"})
    assert form["errors"] == {"pin": "pin_format"}
    await asyncio.sleep(10)
    assert entry.runtime_data.session.connections == radio.attempts == 1


async def test_reconfiguring_with_a_wrong_pin(hass: HomeAssistant, radio: Radio) -> None:
    """A wrong PIN changes nothing: the session returns with the one it has."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    form = await reconfigure(hass, entry)
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "1111"})
    assert form["errors"] == {"pin": "pin_rejected"}
    await asyncio.sleep(10)
    assert bms.connected
    assert shown(hass, "connection") == "connected"
    assert shown(hass, "voltage") == "53.05"
    assert entry.data["pin"] == "1234"


async def test_reconfiguring_a_bms_that_is_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """An entry that is not loaded can be reconfigured as well, once the BMS is there."""
    bms = still_bms(hass)
    entry = entry_of(hass, bms, pin="1111")
    form = await reconfigure(hass, entry)
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "1234"})
    assert form["errors"] == {"base": "not_in_reach"}
    radio.bring(bms)
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "1234"})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfiguring_a_bms_that_needs_no_pin_any_more(hass: HomeAssistant, radio: Radio) -> None:
    """An empty field takes the PIN out of the entry."""
    bms = still_bms(hass, requires_pin=False)
    entry = await set_up(hass, radio, bms)
    form = await reconfigure(hass, entry)
    await hass.config_entries.flow.async_configure(form["flow_id"], {})
    await hass.async_block_till_done()
    assert "pin" not in entry.data
    assert bms.connected


# The options.


async def test_options_are_stored_as_whole_numbers_and_used(hass: HomeAssistant, radio: Radio) -> None:
    """The form shows what is set; what is chosen is used after a reload."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    before = entry.runtime_data
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "init")
    assert suggested(form) == {
        "connection_mode": "continuous",
        "visit_minutes": 10,
        "pause_minutes": 10,
        "publish_interval": 5,
        "temperature_scale": "app",
        "algorithm_profile": "automatic",
        "rated_capacity": None,
        "settings_unlocked": False,
        "unconfirmed_addresses": False,
    }
    result = await hass.config_entries.options.async_configure(
        form["flow_id"],
        {
            "connection_mode": "periodic",
            "visit_minutes": 30.0,
            "pause_minutes": 15.0,
            "publish_interval": 60.0,
            "temperature_scale": "document",
            "algorithm_profile": "gen3_rev6",
            "rated_capacity": 15.5,
            "settings_unlocked": True,
            "unconfirmed_addresses": True,
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert dict(entry.options) == {
        "connection_mode": "periodic",
        "visit_minutes": 30,
        "pause_minutes": 15,
        "publish_interval": 60,
        "temperature_scale": "document",
        "algorithm_profile": "gen3_rev6",
        "rated_capacity": 15.5,
        "settings_unlocked": True,
        "unconfirmed_addresses": True,
    }
    kinds = [type(value) for value in entry.options.values()]
    assert kinds == [str, int, int, int, str, str, float, bool, bool]
    assert entry.runtime_data is not before
    assert entry.runtime_data.options.visit_minutes == 30
    assert entry.runtime_data.options.rated_capacity == 15500
    assert entry.runtime_data.options.settings_unlocked is True
    assert entry.runtime_data.options.unconfirmed is True
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(form) == dict(entry.options)
