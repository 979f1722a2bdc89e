"""What a download for a bug report holds, and what it must not."""

import asyncio
import json
from typing import Any

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from custom_components.smartbms.diagnostics import async_get_config_entry_diagnostics
from custom_components.smartbms.model.ledger import Flow, Ledger
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import ExtendedJSONEncoder
from scripts.rig import case

from .radio import ADDRESS, Radio, entry_of, set_up, still_bms

# In the settings of the BMS the PIN stands as ASCII in hexadecimal.
SECRETS = ("8642", "38363432")

FACTORY_PIN = {"key": "factory_pin", "severity": "notice", "evidence": {}}
ALLOWED = {"relays": {"charge": True, "load": True}, "charge_causes": [], "load_causes": []}


async def download(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> tuple[str, dict[str, Any]]:
    """Return the diagnostics as text, as they are downloaded, and what they say."""
    text = json.dumps(await async_get_config_entry_diagnostics(hass, entry), cls=ExtendedJSONEncoder)
    return text, json.loads(text)


async def test_nothing_secret_is_in_it(hass: HomeAssistant, radio: Radio) -> None:
    """Neither the PIN in any form nor the whole address."""
    entry = await set_up(hass, radio, still_bms(hass, pin="8642"), pin="8642")
    text, told = await download(hass, entry)
    assert not any(secret in text for secret in SECRETS)
    assert ADDRESS not in text
    assert ADDRESS[9:] not in text
    assert told["entry"] == {
        "version": 1,
        "data": {"address": "EC:FE:7E…", "device_type": 6, "serial_number": "03330"},
        "options": {},
        "has_pin": True,
    }


async def test_before_the_entry_is_loaded(hass: HomeAssistant, radio: Radio) -> None:
    """An entry that cannot be set up can be asked all the same."""
    entry = entry_of(hass, still_bms(hass), pin="8642", options={"publish_interval": 60})
    await hass.config_entries.async_setup(entry.entry_id)
    text, told = await download(hass, entry)
    assert not any(secret in text for secret in SECRETS)
    assert told == {
        "entry": {
            "version": 1,
            "data": {"address": "EC:FE:7E…", "device_type": 6, "serial_number": "03330"},
            "options": {"publish_interval": 60},
            "has_pin": True,
        }
    }


async def test_a_bms_without_pin(hass: HomeAssistant, radio: Radio) -> None:
    """Whether there is a PIN at all is no secret."""
    entry = await set_up(hass, radio, still_bms(hass, requires_pin=False), pin=None)
    _, told = await download(hass, entry)
    assert told["entry"]["has_pin"] is False


async def test_the_link(hass: HomeAssistant, radio: Radio) -> None:
    """How the connection is, and what was thrown away and why."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    for line in ("Q_nonsense", "U_1", "C_01_10_294_XXX_03", "C_11_10_294_125_03"):
        bms.firmware._say(line)
    bms.firmware._output += b"\xff\xfe\r"
    await asyncio.sleep(5)
    bms.drop()
    await asyncio.sleep(10)
    _, told = await download(hass, entry)
    accepted = told["link"].pop("accepted_lines")
    assert 200 < accepted < 400
    assert told["link"] == {
        "state": "connected",
        "error": None,
        "connections": 2,
        "rejected_lines": {"unknown": 1, "field_count": 1, "implausible": 1, "not_text": 1},
        "signal_strength": -61,
    }


async def test_the_link_while_it_is_lost(hass: HomeAssistant, radio: Radio) -> None:
    """What keeps the BMS away has its name."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    radio.take_away(bms)
    await asyncio.sleep(20)
    _, told = await download(hass, entry)
    assert told["link"]["state"] in {"connecting", "disconnected"}
    assert told["link"]["error"] == "not_in_reach"
    assert told["link"]["signal_strength"] is None


async def test_what_the_bms_says(hass: HomeAssistant, radio: Radio) -> None:
    """Every record, every cell, every setting."""
    entry = await set_up(hass, radio, still_bms(hass))
    _, told = await download(hass, entry)
    snapshot = told["snapshot"]
    assert (snapshot["firmware"], snapshot["generation"]) == ("3.3.11", 3)
    assert snapshot["status"] == {"first": 0x03, "second": 0x30}
    assert snapshot["pack"] == {
        "voltage": 53.05,
        "charge_current": 24.95,
        "battery_current": 21.9,
        "load_current": 3.05,
    }
    assert len(snapshot["cells"]) == 16
    assert snapshot["cells"][0] == {"voltage": 3.315, "temperature_raw": 293}
    assert snapshot["cells"][15] == {"voltage": 3.315, "temperature_raw": 294}
    assert snapshot["settings"]["v_min"] == 2.9
    assert snapshot["settings"]["capacity"] == 14300
    assert snapshot["settings_verified"] is True
    assert snapshot["balance_voltage"] == 3.4
    assert snapshot["health"]["state_of_health"] == 97
    assert told["algorithm"] == {"profile": "gen3_rev13", "expected": ALLOWED, "findings": [FACTORY_PIN]}


async def test_what_generation_2_does_not_say(hass: HomeAssistant, radio: Radio) -> None:
    """What is not known is null; the rules are those of its own manual."""
    entry = await set_up(hass, radio, still_bms(hass, DeviceType.GEN2))
    _, told = await download(hass, entry)
    assert told["snapshot"]["generation"] == 2
    assert told["snapshot"]["health"] is None
    assert told["snapshot"]["battery_energy"] is None
    assert told["snapshot"]["status"] == {"first": 0x03, "second": None}
    assert told["algorithm"]["profile"] == "gen2"


async def test_the_manual_that_the_owner_chose(hass: HomeAssistant, radio: Radio) -> None:
    """The rules are those of the options."""
    entry = await set_up(hass, radio, still_bms(hass), seconds=5, options={"algorithm_profile": "gen3_early"})
    _, told = await download(hass, entry)
    assert told["algorithm"] == {"profile": "gen3_early", "expected": ALLOWED, "findings": [FACTORY_PIN]}


async def test_what_has_been_counted(hass: HomeAssistant, radio: Radio) -> None:
    """A total that is wrong can be understood only with what it was made of."""
    entry = await set_up(hass, radio, still_bms(hass))
    _, diagnostics = await download(hass, entry)
    assert Ledger.from_json(diagnostics["ledger"]).total(Flow.COLLECTED) == 321_000
    assert diagnostics["ledger"]["accounts"]["charged"]["counted"] == 289_000


async def test_what_was_downloaded_can_be_read_again(hass: HomeAssistant, radio: Radio) -> None:
    """A diagnosis of the download starts from the same values as the integration."""
    entry = await set_up(hass, radio, still_bms(hass))
    text, _ = await download(hass, entry)
    insight = case.read(text.encode(), None, 0.0).insight
    assert insight.snapshot == entry.runtime_data.data
    assert insight.at == entry.runtime_data.insight.at
    assert insight.evidence == entry.runtime_data.insight.evidence
    assert insight.profile == entry.runtime_data.insight.profile
