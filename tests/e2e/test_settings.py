"""Settings changed in a real Home Assistant: through the proxy, into the BMS, and back onto the screen."""

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.model.relays import Relays
from homeassistant.util.json import JsonValueType
from scripts.rig.api import ApiError

from .house import DOMAIN, E2E, Bms, Bring, Phone

pytestmark = E2E

K = SettingKey
BOTH_ON, BOTH_OFF = Relays(charge=True, load=True), Relays(charge=False, load=False)


async def _set(bms: Bms, domain: str, service: str, key: str, **data: JsonValueType) -> None:
    entity_id = (await bms.entity_ids())[key]
    await bms.here.api.call_service(domain, service, target={"entity_id": entity_id}, **data)


async def test_numbers_selects_and_switches_are_written(bring: Bring) -> None:
    """Each arrives in the BMS, and is shown as it was read back."""
    bms = bring()
    await bms.set_up()
    with pytest.raises(ApiError, match="Unlock settings"):
        await _set(bms, "number", "set_value", "v_max", value=3.65)
    assert bms.firmware.counts[K.V_MAX] == 740
    await bms.configure(settings_unlocked=True)

    await _set(bms, "number", "set_value", "v_max", value=3.65)
    await _set(bms, "select", "select_option", "critical_mode", option="critical")
    await bms.switch("use_measured_capacity", on=True)
    assert bms.firmware.counts[K.V_MAX] == 730
    assert bms.firmware.counts[K.CRITICAL_MODE] == 1
    assert bms.firmware.counts[K.USE_MEASURED_CAPACITY] == 1
    shown = await bms.states()
    keys = ("v_max", "critical_mode", "use_measured_capacity", "connection")
    assert [shown[key] for key in keys] == ["3.65", "critical", "on", "connected"]
    await bms.shows_news()


async def test_the_relays_follow(bring: Bring) -> None:
    """Below the temperature of the cells, T max takes charger and load away, but only if that is meant."""
    bms = bring()
    await bms.set_up()
    await bms.configure(settings_unlocked=True)
    # What went off shall come back at once.
    for delay in ("charge_restart_delay", "discharge_restart_delay"):
        await _set(bms, "number", "set_value", delay, value=0)
    with pytest.raises(ApiError, match="switch off at once: Charge relay .*Load relay"):
        await _set(bms, "number", "set_value", "t_max", value=15)
    assert bms.firmware.relays == BOTH_ON
    await bms.here.api.call_service(
        DOMAIN, "apply_thresholds", config_entry_id=bms.entry_id, values={"t_max": 15}, force=True
    )
    assert bms.firmware.relays == BOTH_OFF
    await bms.becomes("charge_relay", "off")
    await bms.becomes("load_relay", "off")
    await bms.becomes("charging_blocked_by", "too_hot")
    await _set(bms, "number", "set_value", "t_max", value=60)
    assert bms.firmware.relays == BOTH_ON
    await bms.becomes("charge_relay", "on")
    await bms.becomes("load_relay", "on")


async def test_a_relay_is_forced_by_a_switch_and_a_select(bring: Bring) -> None:
    """Charging is allowed, and its relay is kept off by name; the load's is kept off by its position."""
    bms = bring()
    await bms.set_up()
    await bms.configure(settings_unlocked=True)
    await bms.switch("charge_relay_off", on=True)
    await bms.becomes("charge_relay", "off")
    await _set(bms, "select", "select_option", "load_relay_force", option="keep_off")
    await bms.becomes("load_relay", "off")
    assert bms.firmware.relays == BOTH_ON
    assert not bms.firmware.battery.charge_allowed
    assert not bms.firmware.battery.load_allowed
    await bms.switch("charge_relay_off", on=False)
    await _set(bms, "select", "select_option", "load_relay_force", option="inactive")
    await bms.becomes("charge_relay", "on")
    await bms.becomes("load_relay", "on")


async def test_while_the_phone_app_holds_the_connection(bring: Bring) -> None:
    """A write fails with a reason, changes nothing, and works again afterwards."""
    bms = bring()
    await bms.set_up()
    await bms.configure(settings_unlocked=True, pause_minutes=60)
    before = dict(bms.firmware.counts)
    bms.peripheral.drop()
    with Phone().using(bms):
        await bms.becomes("connection", "disconnected", "connecting")
        with pytest.raises(ApiError, match="phone app"):
            await _set(bms, "number", "set_value", "v_max", value=3.65)
    await bms.becomes("connection", "connected")
    await bms.switch("pause", on=True)
    await bms.becomes("connection", "paused")
    with Phone().using(bms), pytest.raises(ApiError, match="paused"):
        await _set(bms, "number", "set_value", "v_max", value=3.65)
    assert bms.firmware.counts == before
    await bms.switch("pause", on=False)
    await bms.becomes("connection", "connected")
    await _set(bms, "number", "set_value", "v_max", value=3.65)
    assert bms.firmware.counts[K.V_MAX] == 730
