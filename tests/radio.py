"""A radio for the tests: Home Assistant's own Bluetooth hears simulated BMS through one adapter.

Only the boundary to the Bluetooth library is replaced: what makes a connection. Advertisements come
in as bytes on air, and a BMS that is connected is silent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from unittest.mock import patch

from bleak.backends.device import BLEDevice
from bleak_retry_connector import BleakNotFoundError
from habluetooth import BaseHaRemoteScanner, HaBluetoothConnector
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.in_process import InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import MONOTONIC_TIME
from homeassistant.config_entries import RELOAD_AFTER_UPDATE_DELAY, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

ADDRESS = "EC:FE:7E:00:0D:02"
TITLE = "123\\SmartBMS 03330"
PIN = "1234"
RSSI = -61
_ADVERTISING_INTERVAL = 1.0


class Radio:
    """One Bluetooth adapter of Home Assistant and what is in its reach.

    `failure` is what an attempt to connect raises instead of connecting, `delay` how long one takes
    in seconds; `attempts` counts them.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Hear nothing yet."""
        self.failure: BaseException | None = None
        self.delay = 0.0
        self.attempts = 0
        self._hass = hass
        self._peripherals: dict[str, BmsPeripheral] = {}
        self._scanner: BaseHaRemoteScanner | None = None
        self._unregister: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def plug_in(self) -> None:
        """Plug in the adapter."""
        connector = HaBluetoothConnector(InProcessClient, "hci9", lambda: True)  # type: ignore[arg-type]
        self._scanner = BaseHaRemoteScanner("00:00:00:00:00:09", "hci9", connector, connectable=True)
        self._unregister = [
            self._scanner.async_setup(),
            bluetooth.async_register_scanner(self._hass, self._scanner),
        ]
        self.advertise()

    def unplug(self) -> None:
        """Pull out the adapter, and with it every connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for unregister in self._unregister:
            unregister()
        self._scanner, self._unregister = None, []
        for peripheral in self._peripherals.values():
            peripheral.drop()
            bluetooth.async_clear_advertisement_history(self._hass, peripheral.address)

    def bring(self, peripheral: BmsPeripheral) -> BmsPeripheral:
        """Bring a BMS into reach."""
        self._peripherals[peripheral.address] = peripheral
        self.advertise()
        return peripheral

    def take_away(self, peripheral: BmsPeripheral) -> None:
        """Take a BMS out of reach."""
        del self._peripherals[peripheral.address]
        peripheral.drop()
        bluetooth.async_clear_advertisement_history(self._hass, peripheral.address)

    def hear(self, address: str, advertisement: bytes) -> None:
        """Hear an advertisement, whoever sends it."""
        if self._scanner is not None:
            self._scanner._async_on_raw_advertisement(
                address, RSSI, advertisement, {"address_type": 0}, MONOTONIC_TIME()
            )

    def advertise(self) -> None:
        """Let everything in reach that is not connected advertise, now and every second."""
        if self._timer is not None:
            self._timer.cancel()
        for peripheral in self._peripherals.values():
            if peripheral.is_on and not peripheral.connected:
                self.hear(peripheral.address, peripheral.advertisement)
        self._timer = self._hass.loop.call_later(_ADVERTISING_INTERVAL, self.advertise)

    async def establish_connection(
        self,
        client_class: object,
        device: BLEDevice,
        name: str,
        disconnected_callback: Callable[[object], None],
        **_: object,
    ) -> InProcessClient:
        """Connect as bleak-retry-connector does."""
        self.attempts += 1
        await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure
        if (peripheral := self._peripherals.get(device.address)) is None:
            raise BleakNotFoundError(name)
        client = InProcessClient(peripheral, lambda: disconnected_callback(client))
        return await client.connect()


type Trouble = Callable[[Radio, BmsPeripheral], None]


def fail(error: Exception) -> Trouble:
    """Let connecting fail."""

    def trouble(radio: Radio, bms: BmsPeripheral) -> None:
        radio.failure = error

    return trouble


def unplug(radio: Radio, bms: BmsPeripheral) -> None:
    """Pull out the adapter."""
    radio.unplug()


@asynccontextmanager
async def radio_of(hass: HomeAssistant) -> AsyncIterator[Radio]:
    """Give a Home Assistant a Bluetooth adapter."""
    assert await async_setup_component(hass, "bluetooth", {})
    await hass.async_block_till_done()
    # In debug mode the loop notes a stack for every timer, which is most of the work of an hour.
    hass.loop.set_debug(False)
    radio = Radio(hass)
    radio.plug_in()
    with patch("custom_components.smartbms.link.connector.establish_connection", radio.establish_connection):
        yield radio
    radio.unplug()


def still_bms(
    hass: HomeAssistant,
    device_type: DeviceType = DeviceType.GEN3_RAYTAC,
    *,
    cells: int = 16,
    address: str = ADDRESS,
    serial_number: int = 3330,
    pin: str = PIN,
    requires_pin: bool = True,
    firmware_class: type[Firmware] = Firmware,
) -> BmsPeripheral:
    """Return a BMS whose battery stands still at half past nine in the morning."""
    firmware = firmware_class(
        Battery(cells), device_type, hass.loop.time, pin=pin, requires_pin=requires_pin, speed=0.0
    )
    return BmsPeripheral(firmware, address, serial_number)


def entry_of(
    hass: HomeAssistant,
    peripheral: BmsPeripheral,
    *,
    pin: str | None = PIN,
    data: Mapping[str, object] | None = None,
    options: Mapping[str, object] | None = None,
) -> SmartBmsConfigEntry:
    """Return the entry that the config flow makes of a BMS, added to Home Assistant."""
    mock = MockConfigEntry(
        domain=DOMAIN,
        title=TITLE,
        unique_id=peripheral.address,
        data={
            "address": peripheral.address,
            "device_type": int(peripheral.firmware.device_type),
            "serial_number": "03330",
            **({} if pin is None else {"pin": pin}),
            **(data or {}),
        },
        options=options or {},
    )
    mock.add_to_hass(hass)
    entry: SmartBmsConfigEntry = mock
    return entry


def hold_elsewhere(hass: HomeAssistant, address: str = ADDRESS) -> Callable[[], None]:
    """Let the integration BMS_BLE-HA have a BMS; return what makes it let go."""
    other = MockConfigEntry(domain="bms_ble", unique_id=address)
    other.add_to_hass(hass)
    other.mock_state(hass, ConfigEntryState.LOADED)
    return lambda: other.mock_state(hass, ConfigEntryState.NOT_LOADED)


async def set_up(
    hass: HomeAssistant,
    radio: Radio,
    peripheral: BmsPeripheral,
    *,
    pin: str | None = PIN,
    seconds: float = 25.0,
    options: Mapping[str, object] | None = None,
) -> SmartBmsConfigEntry:
    """Set up a BMS in reach and let some time pass, after which each of 16 cells has been heard."""
    entry = entry_of(hass, peripheral, pin=pin, options=options)
    radio.bring(peripheral)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await asyncio.sleep(seconds)
    return entry


def entity_id(hass: HomeAssistant, key: str, address: str = ADDRESS) -> str | None:
    """Return the entity that has a key."""
    return next(
        (
            entity.entity_id
            for entity in er.async_get(hass).entities.values()
            if entity.unique_id == f"{address}_{key}"
        ),
        None,
    )


def shown(hass: HomeAssistant, key: str, address: str = ADDRESS) -> str | None:
    """Return what the state machine shows for a key, or `None` where it shows nothing."""
    found = entity_id(hass, key, address)
    state = hass.states.get(found) if found else None
    return state.state if state else None


async def enable(hass: HomeAssistant, *keys: str, address: str = ADDRESS) -> None:
    """Enable entities as their owner would, all where none is named, and wait for the reload that follows."""
    registry = er.async_get(hass)
    wanted = {f"{address}_{key}" for key in keys}
    for entity in list(registry.entities.values()):
        if entity.disabled_by is not None and (not wanted or entity.unique_id in wanted):
            registry.async_update_entity(entity.entity_id, disabled_by=None)
    await asyncio.sleep(RELOAD_AFTER_UPDATE_DELAY + 25)
