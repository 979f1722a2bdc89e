"""Two batteries in parallel, as the tests of banks have them: 100 Ah half full, and 200 Ah at 80 %."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from custom_components.smartbms.bank import BankConfigEntry
from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant

from .radio import Radio, entry_of, shown

SMALL = "EC:FE:7E:00:0D:01"
LARGE = "EC:FE:7E:00:0D:02"
SPARE = "EC:FE:7E:00:0D:03"


@dataclass
class Pack:
    """One of the batteries: its BMS and its entry."""

    bms: BmsPeripheral
    entry: SmartBmsConfigEntry

    @property
    def battery(self) -> Battery:
        """What its BMS guards."""
        return self.bms.firmware.battery


def pack(
    hass: HomeAssistant,
    address: str,
    title: str,
    *,
    capacity: float,
    state_of_charge: float,
    charge: float,
    load: float,
    firmware_class: type[Firmware] = Firmware,
) -> Pack:
    """Return a battery of 16 cells that stands still at 3.25 V a cell and 19 °C, with its entry."""
    battery = Battery(16, capacity=capacity)
    for cell in battery.cells:
        cell.capacity, cell.charge, cell.voltage, cell.temperature = (
            capacity,
            state_of_charge * capacity,
            3.25,
            19.0,
        )
    battery.charge_current, battery.load_current = charge, load
    firmware = firmware_class(battery, DeviceType.GEN3_RAYTAC, hass.loop.time, speed=0.0)
    bms = BmsPeripheral(firmware, address, int(address[-2:]))
    entry = entry_of(hass, bms)
    hass.config_entries.async_update_entry(entry, title=title)
    return Pack(bms, entry)


def small(hass: HomeAssistant, firmware_class: type[Firmware] = Firmware) -> Pack:
    """Return the battery of 100 Ah, 5100 Wh, half full, into which 10 A flow."""
    return pack(
        hass,
        SMALL,
        "Small",
        capacity=100,
        state_of_charge=0.5,
        charge=12,
        load=2,
        firmware_class=firmware_class,
    )


def large(hass: HomeAssistant) -> Pack:
    """Return the battery of 200 Ah, 10200 Wh, at 80 %, into which 20 A flow."""
    return pack(hass, LARGE, "Large", capacity=200, state_of_charge=0.8, charge=25, load=5)


def spare(hass: HomeAssistant) -> Pack:
    """Return a third battery as the first, into which nothing flows."""
    return pack(hass, SPARE, "Spare", capacity=100, state_of_charge=0.5, charge=0, load=0)


async def load(hass: HomeAssistant, radio: Radio, *packs: Pack) -> None:
    """Set up batteries in reach, and let them be heard."""
    for each in packs:
        radio.bring(each.bms)
    for each in packs:
        # The first one takes along all that are there, as a start of Home Assistant does.
        if each.entry.state is ConfigEntryState.NOT_LOADED:
            await hass.config_entries.async_setup(each.entry.entry_id)
    await hass.async_block_till_done()
    await asyncio.sleep(25)


async def bank_form(hass: HomeAssistant) -> ConfigFlowResult:
    """Add a bank by hand, up to the form."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    return await hass.config_entries.flow.async_configure(result["flow_id"], {"next_step_id": "bank"})


async def bank_of(hass: HomeAssistant, packs: Sequence[Pack], name: str = "House bank") -> BankConfigEntry:
    """Make a bank as its owner does, and return its entry."""
    form = await bank_form(hass)
    members = [each.entry.entry_id for each in packs]
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"name": name, "members": members}
    )
    await hass.async_block_till_done()
    entry: BankConfigEntry = result["result"]
    return entry


def says(hass: HomeAssistant, bank: BankConfigEntry, *keys: str) -> tuple[str | None, ...]:
    """Return what the entities of a bank show."""
    return tuple(shown(hass, key, str(bank.unique_id)) for key in keys)


def collect(each: Pack, energy: float) -> None:
    """Let a battery collect some Wh today."""
    each.bms.firmware.today.collected += energy
    each.bms.firmware.total.collected += energy
