"""Setting up a BMS: found or picked, real or simulated, with every way it can go wrong."""

import asyncio
import logging

from bleak.exc import BleakError
from bleak_retry_connector import BleakNotFoundError, BleakOutOfConnectionSlotsError
import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.components import bluetooth
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .flows import flow_of, suggested
from .radio import ADDRESS, TITLE, Radio, Trouble, entry_of, fail, hold_elsewhere, shown, still_bms, unplug

OTHER = "EC:FE:7E:00:0D:03"
# Flags, and the Nordic UART service as the only thing said.
NAMELESS = bytes.fromhex("020106 1107") + bytes.fromhex("6e400001b5a3f393e0a9e50e24dcca9e")[::-1]
THERMOMETER = bytes.fromhex("020106") + b"\x0b\x09" + b"Thermomete" + b"\x05\xff\x4c\x00\x10\x05"


class Moody(Firmware):
    """A BMS that can be made not to answer, or to refuse."""

    silent = False
    refusing = False

    def take(self) -> bytes:
        """Return what is waiting, unless in the mood for silence."""
        waiting = super().take()
        return b"" if self.silent else waiting

    def _query(self, command: str) -> list[str] | None:
        return None if self.refusing else super()._query(command)


async def discover(hass: HomeAssistant, radio: Radio, bms: BmsPeripheral) -> str:
    """Bring a BMS into reach; return the flow that its discovery starts."""
    radio.bring(bms)
    await asyncio.sleep(0.5)
    return flow_of(hass)


async def meet(hass: HomeAssistant, radio: Radio, address: str, advertisement: bytes) -> ConfigFlowResult:
    """Let the flow meet a device whose advertisement was heard."""
    radio.hear(address, advertisement)
    await asyncio.sleep(0.5)
    info = bluetooth.async_last_service_info(hass, address)
    assert info is not None
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": "bluetooth"}, data=info)


async def choose(hass: HomeAssistant, option: str) -> ConfigFlowResult:
    """Add a BMS by hand and choose from the menu."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["device", "simulated"]
    return await hass.config_entries.flow.async_configure(result["flow_id"], {"next_step_id": option})


def offered(result: ConfigFlowResult) -> list[dict[str, str]]:
    """Return what a form offers to choose from."""
    schema = result["data_schema"]
    assert schema is not None
    options: list[dict[str, str]] = schema.schema["address"].config["options"]
    return options


# Discovery.


async def test_a_bms_is_discovered_and_set_up(hass: HomeAssistant, radio: Radio) -> None:
    """Home Assistant hears a BMS, the owner gives the PIN, and there it is."""
    bms = still_bms(hass)
    flow_id = await discover(hass, radio, bms)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["title_placeholders"] == {"name": TITLE}

    form = await hass.config_entries.flow.async_configure(flow_id)
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "pin", {})
    assert form["description_placeholders"] == {"name": TITLE}
    assert suggested(form) == {"pin": "1234"}

    result = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == TITLE
    assert result["result"].unique_id == ADDRESS
    assert result["data"] == {
        "address": ADDRESS,
        "pin": "1234",
        "device_type": 6,
        "serial_number": "03330",
    }
    await hass.async_block_till_done()
    assert result["result"].state is ConfigEntryState.LOADED


async def test_a_discovered_bms_is_let_go_while_the_owner_thinks(hass: HomeAssistant, radio: Radio) -> None:
    """Before and after a wrong PIN nobody is connected, so that the phone can be."""
    bms = still_bms(hass, pin="8642")
    flow_id = await discover(hass, radio, bms)
    assert not bms.connected
    await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert radio.attempts == 1
    assert not bms.connected


async def test_an_ignition_is_refused(hass: HomeAssistant, radio: Radio) -> None:
    r"""The 123\TUNE+ shares the radio module; its device type gives it away."""
    firmware = still_bms(hass).firmware
    ignition = BmsPeripheral(firmware, OTHER, 77, name="123\\TUNE+", advertised_type=5)
    result = await meet(hass, radio, OTHER, ignition.advertisement)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_supported")
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_other_devices_are_refused(hass: HomeAssistant, radio: Radio) -> None:
    """A thermometer is no BMS."""
    result = await meet(hass, radio, OTHER, THERMOMETER)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_supported")


async def test_a_bms_is_not_set_up_twice(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS that is set up is left alone when it is heard again."""
    bms = still_bms(hass)
    entry = entry_of(hass, bms)
    result = await meet(hass, radio, ADDRESS, bms.advertisement)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data["device_type"] == 6


async def test_a_bms_that_is_being_set_up_is_not_met_again(hass: HomeAssistant, radio: Radio) -> None:
    """One discovery at a time."""
    bms = still_bms(hass)
    await discover(hass, radio, bms)
    result = await meet(hass, radio, ADDRESS, bms.advertisement)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_in_progress")


async def test_what_was_not_known_is_learned_later(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS set up without manufacturer data gets its type and serial number when it is heard."""
    bms = still_bms(hass)
    entry = entry_of(hass, bms, data={"device_type": None, "serial_number": None})
    await meet(hass, radio, ADDRESS, bms.advertisement)
    assert (entry.data["device_type"], entry.data["serial_number"]) == (6, "03330")


async def test_what_is_known_is_not_forgotten(hass: HomeAssistant, radio: Radio) -> None:
    """An advertisement without manufacturer data takes nothing away."""
    entry = entry_of(hass, still_bms(hass))
    result = await meet(hass, radio, ADDRESS, NAMELESS)
    assert result["reason"] == "already_configured"
    assert (entry.data["device_type"], entry.data["serial_number"]) == (6, "03330")


async def test_a_bms_that_says_little_is_recognised_by_its_answers(hass: HomeAssistant, radio: Radio) -> None:
    """Without name and manufacturer data the login has to tell; the generation comes from the BMS."""
    bms = still_bms(hass, DeviceType.GEN2, cells=4)
    bms.advertisement = NAMELESS
    flow_id = await discover(hass, radio, bms)
    result = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert result["title"] == "123\\SmartBMS"
    assert result["data"] == {"address": ADDRESS, "pin": "1234", "device_type": None, "serial_number": None}
    await hass.async_block_till_done()
    await asyncio.sleep(10)
    assert shown(hass, "voltage") == "13.255"
    assert shown(hass, "state_of_health") is None


# By hand.


async def test_only_what_is_not_set_up_can_be_picked(hass: HomeAssistant, radio: Radio) -> None:
    """Two BMS in reach, one of them set up: the other is offered."""
    bms = still_bms(hass)
    entry_of(hass, bms)
    radio.bring(bms)
    radio.bring(still_bms(hass, address=OTHER, serial_number=3331))
    radio.hear("11:22:33:44:55:66", THERMOMETER)
    await asyncio.sleep(0.5)
    form = await choose(hass, "device")
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "device")
    assert offered(form) == [{"value": OTHER, "label": f"123\\SmartBMS 03331 ({OTHER})"}]

    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"address": OTHER})
    assert form["step_id"] == "pin"
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "1234"})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "123\\SmartBMS 03331")
    assert result["result"].unique_id == OTHER
    # Its discovery has nothing to ask any more.
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_an_ignored_bms_can_be_picked(hass: HomeAssistant, radio: Radio) -> None:
    """Who ignored a discovery may think again."""
    flow_id = await discover(hass, radio, still_bms(hass))
    hass.config_entries.flow.async_abort(flow_id)
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "ignore"}, data={"unique_id": ADDRESS, "title": TITLE}
    )
    form = await choose(hass, "device")
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"address": ADDRESS})
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "1234"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert [entry.source for entry in hass.config_entries.async_entries(DOMAIN)] == ["user"]


async def test_a_bms_that_went_away_cannot_be_picked(hass: HomeAssistant, radio: Radio) -> None:
    """What is not heard any more is not offered any more."""
    bms = radio.bring(still_bms(hass))
    radio.bring(still_bms(hass, address=OTHER, serial_number=3331))
    form = await choose(hass, "device")
    assert [option["value"] for option in offered(form)] == [ADDRESS, OTHER]
    radio.take_away(bms)
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"address": ADDRESS})
    assert form["step_id"] == "device"
    assert [option["value"] for option in offered(form)] == [OTHER]


async def test_a_bms_set_up_meanwhile_cannot_be_picked(hass: HomeAssistant, radio: Radio) -> None:
    """Two people set up the same BMS: the second has nothing left to pick."""
    bms = radio.bring(still_bms(hass))
    form = await choose(hass, "device")
    entry_of(hass, bms)
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"address": ADDRESS})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_devices_found")


async def test_nothing_in_reach(hass: HomeAssistant, radio: Radio) -> None:
    """There is an adapter, but it hears no BMS."""
    result = await choose(hass, "device")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_devices_found")


async def test_no_adapter(hass: HomeAssistant, radio: Radio) -> None:
    """Without an adapter nothing can be heard."""
    radio.unplug()
    result = await choose(hass, "device")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_adapter")


@pytest.mark.parametrize(
    ("generation", "device_type", "model"),
    [("gen3", 6, "123\\SmartBMS gen3"), ("gen2", 2, "123\\SmartBMS gen2")],
)
async def test_a_simulated_bms(
    hass: HomeAssistant, radio: Radio, generation: str, device_type: int, model: str
) -> None:
    """A BMS without hardware, and without a radio."""
    radio.unplug()
    form = await choose(hass, "simulated")
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "simulated")
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"generation": generation, "cells": 8.0}
    )
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "123\\SmartBMS simulator")
    entry = result["result"]
    address = str(entry.unique_id)
    assert address.startswith("simulated_")
    assert result["data"] == {
        "address": address,
        "pin": "1234",
        "simulated_cells": 8,
        "device_type": device_type,
        "serial_number": "00001",
    }
    assert isinstance(result["data"]["simulated_cells"], int)
    await hass.async_block_till_done()
    await asyncio.sleep(20)
    assert entry.state is ConfigEntryState.LOADED
    assert (
        entry.runtime_data.session.fold.snapshot().firmware == {"gen3": "3.3.11", "gen2": "1.5"}[generation]
    )
    assert float(shown(hass, "voltage", address) or 0) == pytest.approx(27.0, abs=0.3)
    assert shown(hass, "cell_8_voltage", address) is not None
    assert shown(hass, "cell_9_voltage", address) is None
    assert radio.attempts == 0


async def test_two_simulated_bms(hass: HomeAssistant, radio: Radio) -> None:
    """There may be any number of them."""
    for _ in range(2):
        form = await choose(hass, "simulated")
        await hass.config_entries.flow.async_configure(form["flow_id"], {"generation": "gen3", "cells": 4})
    assert len({entry.unique_id for entry in hass.config_entries.async_entries(DOMAIN)}) == 2


# The PIN.


async def test_a_wrong_pin_then_the_right_one(hass: HomeAssistant, radio: Radio) -> None:
    """The flow says that the BMS rejected the PIN, and takes another."""
    flow_id = await discover(hass, radio, still_bms(hass, pin="8642"))
    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1111"})
    assert (form["step_id"], form["errors"]) == ("pin", {"pin": "pin_rejected"})
    assert suggested(form) == {"pin": "1111"}
    await asyncio.sleep(2)
    result = await hass.config_entries.flow.async_configure(flow_id, {"pin": " 8642 "})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["pin"] == "8642"


@pytest.mark.parametrize("pin", ["123", "12345", "12a4", "-123", "１２３４"])
async def test_what_is_no_pin_is_not_tried(hass: HomeAssistant, radio: Radio, pin: str) -> None:
    """Four digits; anything else does not reach the BMS."""
    flow_id = await discover(hass, radio, still_bms(hass))
    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": pin})
    assert form["errors"] == {"pin": "pin_format"}
    assert radio.attempts == 0


@pytest.mark.parametrize("answer", [{}, {"pin": ""}, {"pin": "  "}])
async def test_a_bms_without_pin(hass: HomeAssistant, radio: Radio, answer: dict[str, str]) -> None:
    """An empty field is for a BMS that asks for none."""
    flow_id = await discover(hass, radio, still_bms(hass, requires_pin=False))
    result = await hass.config_entries.flow.async_configure(flow_id, answer)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "pin" not in result["data"]


async def test_no_pin_where_one_is_needed(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS that asks for a PIN is not set up without."""
    flow_id = await discover(hass, radio, still_bms(hass))
    form = await hass.config_entries.flow.async_configure(flow_id, {})
    assert form["errors"] == {"pin": "pin_rejected"}


# What can go wrong.


def fall_silent(radio: Radio, bms: BmsPeripheral) -> None:
    """Let the BMS not answer."""
    assert isinstance(bms.firmware, Moody)
    bms.firmware.silent = True


def refuse(radio: Radio, bms: BmsPeripheral) -> None:
    """Let the BMS refuse every query."""
    assert isinstance(bms.firmware, Moody)
    bms.firmware.refusing = True


def lose_service(radio: Radio, bms: BmsPeripheral) -> None:
    """Let the serial service be missing."""
    bms.services = bms.services[:1]


@pytest.mark.parametrize(
    ("trouble", "key"),
    [
        (fail(BleakOutOfConnectionSlotsError("no slot")), "no_free_slot"),
        (fail(BleakNotFoundError("not found")), "not_in_reach"),
        (fail(BleakError("broken")), "connection_lost"),
        (fail(TimeoutError()), "connection_lost"),
        (fail(RuntimeError("a bug somewhere")), "unknown"),
        (fall_silent, "no_answer"),
        (refuse, "command_rejected"),
        (lose_service, "not_a_bms"),
        (Radio.take_away, "not_in_reach"),
        (unplug, "no_adapter"),
    ],
)
async def test_every_trouble_has_its_message_and_can_be_overcome(
    hass: HomeAssistant,
    radio: Radio,
    caplog: pytest.LogCaptureFixture,
    trouble: Trouble,
    key: str,
) -> None:
    """The flow says what is wrong, and goes on once it is right again."""
    bms = still_bms(hass, firmware_class=Moody)
    services = bms.services
    flow_id = await discover(hass, radio, bms)
    trouble(radio, bms)
    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "pin", {"base": key})
    assert suggested(form) == {"pin": "1234"}
    assert not bms.connected
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == (1 if key == "unknown" else 0)

    radio.failure = None
    assert isinstance(bms.firmware, Moody)
    bms.firmware.silent = bms.firmware.refusing = False
    bms.services = services
    radio.unplug()
    radio.plug_in()
    radio.bring(bms)
    result = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_another_integration_holds_the_bms(hass: HomeAssistant, radio: Radio) -> None:
    """The only connection is taken by BMS_BLE-HA: the flow says so, not just that it failed."""
    flow_id = await discover(hass, radio, still_bms(hass))
    let_go = hold_elsewhere(hass, ADDRESS.lower())
    radio.failure = BleakError("busy")
    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert form["errors"] == {"base": "held_by_bms_ble"}

    let_go()
    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert form["errors"] == {"base": "connection_lost"}

    # Another entry of that integration is not to blame.
    hold_elsewhere(hass, OTHER)
    form = await hass.config_entries.flow.async_configure(flow_id, {"pin": "1234"})
    assert form["errors"] == {"base": "connection_lost"}
