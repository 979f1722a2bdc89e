"""How the BMS of an entry is reached: through Home Assistant's Bluetooth, or simulated in process."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bleak.backends.device import BLEDevice

from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import BluetoothScanningMode
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant

from .bms.device import DeviceType
from .bms.errors import HeldElsewhereError, NoAdapterError, NotInReachError, SmartBmsError
from .const import CONF_DEVICE_TYPE, CONF_SERIAL_NUMBER, CONF_SIMULATED_CELLS
from .link.connector import connect
from .link.session import Connect
from .link.transport import GattClient
from .model.profiles import PROFILES, ProfileKey
from .simulation import CHOICES
from .simulator.battery import Battery
from .simulator.firmware import Firmware
from .simulator.in_process import InProcessClient
from .simulator.peripheral import BmsPeripheral

_BMS_BLE_DOMAIN = "bms_ble"
_HEARING_TIMEOUT = 5


@dataclass(frozen=True, slots=True)
class Radio:
    """What Home Assistant's Bluetooth hears of one BMS."""

    hass: HomeAssistant
    address: str

    @property
    def signal_strength(self) -> int | None:
        """How strong it was heard last, in dBm; `None` while it is not heard."""
        info = bluetooth.async_last_service_info(self.hass, self.address, connectable=True)
        return None if info is None else info.rssi

    def on_heard(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Have a listener called when it is heard; return what ends that."""
        return bluetooth.async_register_callback(
            self.hass,
            lambda _info, _change: listener(),
            {"address": self.address, "connectable": True},
            BluetoothScanningMode.PASSIVE,
        )

    def hear_anew(self) -> None:
        """Have its next advertisement count as news, even when it says what the last one said."""
        bluetooth.async_clear_advertisement_history(self.hass, self.address)


@dataclass(frozen=True, slots=True)
class Reach:
    """What connects to a BMS; its radio, or the device itself where it is a simulated one."""

    connect: Connect
    radio: Radio | None = None
    firmware: Firmware | None = None


def reach(
    hass: HomeAssistant, data: Mapping[str, object], name: str, profile: ProfileKey | None = None
) -> Reach:
    """Return how to reach the BMS that an entry's data describes; a simulated one has a profile."""
    if CONF_SIMULATED_CELLS in data:
        return _simulated(hass, data, profile)
    radio = Radio(hass, str(data[CONF_ADDRESS]))
    return Reach(_over_bluetooth(hass, radio.address, name), radio=radio)


def is_held_by_bms_ble(hass: HomeAssistant, address: str) -> bool:
    """Whether the integration BMS_BLE-HA has this BMS, which takes one connection only."""
    return any(
        (entry.unique_id or "").lower() == address.lower() and entry.state is ConfigEntryState.LOADED
        for entry in hass.config_entries.async_entries(_BMS_BLE_DOMAIN)
    )


def _over_bluetooth(hass: HomeAssistant, address: str, name: str) -> Connect:
    def look_up() -> BLEDevice:
        if (device := bluetooth.async_ble_device_from_address(hass, address, connectable=True)) is not None:
            return device
        raise NotInReachError if bluetooth.async_scanner_count(hass, connectable=True) else NoAdapterError

    async def hear() -> None:
        """Wait for a BMS that was connected until just now and has not advertised since."""
        with suppress(TimeoutError):
            await bluetooth.async_process_advertisements(
                hass,
                lambda _: True,
                {"address": address, "connectable": True},
                BluetoothScanningMode.PASSIVE,
                _HEARING_TIMEOUT,
            )

    async def over_bluetooth(on_disconnect: Callable[[], None]) -> GattClient:
        try:
            look_up()
        except NotInReachError:
            await hear()
        try:
            return await connect(look_up, name, on_disconnect)
        except SmartBmsError as err:
            if is_held_by_bms_ble(hass, address):
                raise HeldElsewhereError from err
            raise

    return over_bluetooth


def _simulated(hass: HomeAssistant, data: Mapping[str, object], profile: ProfileKey | None) -> Reach:
    firmware = Firmware(
        Battery(int(str(data[CONF_SIMULATED_CELLS]))),
        DeviceType(int(str(data[CONF_DEVICE_TYPE]))),
        hass.loop.time,
        profile=None if profile is None else PROFILES[profile],
    )
    peripheral = BmsPeripheral(firmware, str(data[CONF_ADDRESS]), int(str(data[CONF_SERIAL_NUMBER])))

    async def in_process(on_disconnect: Callable[[], None]) -> GattClient:
        try:
            return await InProcessClient(peripheral, on_disconnect).connect()
        except ConnectionRefusedError as err:
            raise NotInReachError from err

    for choice in CHOICES:
        choice.apply(firmware, choice.of(data))
    return Reach(in_process, firmware=firmware)
