"""Every entity as its owner meets it: name, unit, kind, whether it is shown unasked, and its value."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.state import PackRecord, Record, StatusBit
from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .radio import ADDRESS, Radio, enable, entity_id, set_up, shown, still_bms

# key | entity | name | state | unit | device class | state class | category | shown unasked
GEN3 = """
pause | switch.pause_connection | Pause connection | off | - | - | - | config | yes
connection | sensor.connection | Connection | connected | - | enum | - | diagnostic | yes
signal_strength | sensor.signal_strength | Signal strength | -61 | dBm | signal_strength | measurement | diagnostic | no
rejected_lines | sensor.rejected_lines | Rejected lines | 0 | lines | - | total_increasing | diagnostic | no
last_contact | sensor.last_contact | Last contact | * | - | timestamp | - | diagnostic | no
charging_blocked_by | sensor.charging_blocked_by | Charging blocked by | allowed | - | enum | - | - | yes
discharging_blocked_by | sensor.discharging_blocked_by | Discharging blocked by | allowed | - | enum | - | - | yes
differs_from_manual | binary_sensor.differs_from_the_manual | Differs from the manual | off | - | problem | - | diagnostic | yes
voltage | sensor.voltage | Voltage | 53.05 | V | voltage | measurement | - | yes
current | sensor.current | Current | 21.9 | A | current | - | - | yes
power | sensor.power_into_battery | Power into battery | 1161.795 | W | power | measurement | - | yes
battery_power | sensor.power_from_battery | Power from battery | -1161.795 | W | power | measurement | - | yes
charge_current | sensor.charge_current | Charge current | 24.95 | A | current | - | - | yes
charge_power | sensor.charge_power | Charge power | 1323.5975 | W | power | measurement | - | yes
load_current | sensor.load_current | Load current | 3.05 | A | current | - | - | yes
load_power | sensor.load_power | Load power | 161.8025 | W | power | measurement | - | yes
state_of_charge | sensor.state_of_charge | State of charge | 62 | % | battery | measurement | - | yes
stored_energy | sensor.stored_energy | Stored energy | 8.878 | kWh | energy_storage | - | - | yes
lowest_cell_voltage | sensor.lowest_cell_voltage | Lowest cell voltage | 3.31 | V | voltage | measurement | - | yes
highest_cell_voltage | sensor.highest_cell_voltage | Highest cell voltage | 3.32 | V | voltage | measurement | - | yes
average_cell_voltage | sensor.average_cell_voltage | Average cell voltage | 3.3153 | V | voltage | - | - | yes
cell_voltage_spread | sensor.cell_voltage_spread | Cell voltage spread | 10.0 | mV | voltage | measurement | - | yes
lowest_cell | sensor.lowest_cell | Lowest cell | 7 | - | - | - | - | no
highest_cell | sensor.highest_cell | Highest cell | 14 | - | - | - | - | no
lowest_temperature | sensor.lowest_temperature | Lowest temperature | 18.1 | °C | temperature | measurement | - | yes
highest_temperature | sensor.highest_temperature | Highest temperature | 19.9 | °C | temperature | measurement | - | yes
coldest_cell | sensor.coldest_cell | Coldest cell | 9 | - | - | - | - | no
warmest_cell | sensor.warmest_cell | Warmest cell | 2 | - | - | - | - | no
balancing_cells | sensor.balancing_cells | Balancing cells | 0 | cells | - | - | - | yes
collected_today | sensor.collected_today | Collected today | 0.0 | kWh | energy | - | - | yes
consumed_today | sensor.consumed_today | Consumed today | 0.0 | kWh | energy | - | - | yes
collected_total | sensor.energy_collected | Energy collected | 321.0 | kWh | energy | total_increasing | - | yes
consumed_total | sensor.energy_consumed | Energy consumed | 298.0 | kWh | energy | total_increasing | - | yes
charged_today | sensor.charged_today | Charged today | 0.0 | kWh | energy | - | - | yes
discharged_today | sensor.discharged_today | Discharged today | 0.0 | kWh | energy | - | - | yes
charged_total | sensor.energy_charged | Energy charged | 289.0 | kWh | energy | total_increasing | - | yes
discharged_total | sensor.energy_discharged | Energy discharged | 274.0 | kWh | energy | total_increasing | - | yes
state_of_health | sensor.state_of_health | State of health | 97 | % | - | measurement | diagnostic | yes
charge_cycles | sensor.charge_cycles | Charge cycles | 15.13 | cycles | - | - | diagnostic | yes
discharge_cycles | sensor.discharge_cycles | Discharge cycles | 15.02 | cycles | - | - | diagnostic | yes
charge_efficiency | sensor.charge_efficiency | Charge efficiency | 99 | % | - | - | diagnostic | yes
measured_capacity | sensor.measured_capacity | Measured capacity | 13.871 | kWh | energy_storage | measurement | diagnostic | yes
measured_charge_capacity | sensor.measured_charge_capacity | Measured charge capacity | 14.014 | kWh | energy_storage | - | diagnostic | yes
balance_voltage | sensor.balance_voltage | Balance voltage | 3.4 | V | voltage | - | diagnostic | yes
predicted_state_of_charge | sensor.predicted_state_of_charge | Predicted state of charge | 62 | % | - | - | - | yes
time_to_full | sensor.time_to_full | Time to full | 4.75 | h | duration | - | - | yes
time_to_empty | sensor.time_to_empty | Time to empty | unknown | h | duration | - | - | yes
findings | sensor.findings | Findings | 1 | findings | - | - | diagnostic | yes
days_without_full_charge | sensor.days_without_full_charge | Days without full charge | 0 | d | duration | - | diagnostic | yes
alarm | event.alarm | Alarm | unknown | - | - | - | - | yes
device_log | event.device_log | Device log | unknown | - | - | - | - | yes
communication_error | binary_sensor.alarm_e_cell_communication | Alarm E: cell communication | off | - | problem | - | - | yes
voltage_high | binary_sensor.alarm_vh_cell_voltage_high | Alarm Vh: cell voltage high | off | - | problem | - | - | yes
voltage_low | binary_sensor.alarm_vl_cell_voltage_low | Alarm Vl: cell voltage low | off | - | problem | - | - | yes
temperature_high | binary_sensor.alarm_th_temperature_high | Alarm Th: temperature high | off | - | problem | - | - | yes
temperature_low | binary_sensor.alarm_tl_temperature_low | Alarm Tl: temperature low | off | - | problem | - | - | yes
early_warning | binary_sensor.early_warning | Early warning | off | - | problem | - | - | yes
below_charge_temperature | binary_sensor.too_cold_to_charge | Too cold to charge | off | - | problem | - | - | yes
below_discharge_temperature | binary_sensor.too_cold_to_discharge | Too cold to discharge | off | - | problem | - | - | yes
charge_allowed | binary_sensor.charging_allowed | Charging allowed | on | - | - | - | - | yes
discharge_allowed | binary_sensor.discharging_allowed | Discharging allowed | on | - | - | - | - | yes
charge_relay | binary_sensor.charge_relay | Charge relay | on | - | - | - | - | yes
load_relay | binary_sensor.load_relay | Load relay | on | - | - | - | - | yes
calibrated | binary_sensor.state_of_charge_calibration | State of charge calibration | on | - | - | - | diagnostic | yes
"""
SETTINGS = """
solar_peak_power | number.solar_peak_power | Solar peak power | 3000 | W | power | - | config | yes
inverter_peak_power | number.inverter_peak_power | Inverter peak power | 2500 | W | power | - | config | yes
capacity | number.battery_capacity | Battery capacity | 14300 | Wh | energy_storage | - | config | yes
v_min | number.v_min | V min | 2.9 | V | voltage | - | config | yes
v_max | number.v_max | V max | 3.7 | V | voltage | - | config | yes
t_min_charge | number.t_min_charge | T min charge | 1.9 | °C | temperature | - | config | yes
t_max | number.t_max | T max | 60.1 | °C | temperature | - | config | yes
charge_restart | number.charge_restart | Charge restart | 95 | % | - | - | config | no
discharge_restart | number.discharge_restart | Discharge restart | 5 | % | - | - | config | no
t_min_discharge | number.t_min_discharge | T min discharge | -10.1 | °C | temperature | - | config | yes
v_low | number.v_low | V low | 3.0 | V | voltage | - | config | yes
v_nominal | number.v_nominal | V nominal | 3.3 | V | voltage | - | config | yes
v_min_hysteresis | number.v_min_hysteresis | V min hysteresis | 0.1 | V | voltage | - | config | yes
v_max_hysteresis | number.v_max_hysteresis | V max hysteresis | 0.05 | V | voltage | - | config | yes
charge_restart_delay | number.charge_restart_delay | Charge restart delay | 60 | s | duration | - | config | yes
discharge_restart_delay | number.discharge_restart_delay | Discharge restart delay | 60 | s | duration | - | config | yes
charge_pause_delay | number.charge_pause_delay | Charge pause delay | 10 | s | duration | - | config | yes
discharge_pause_delay | number.discharge_pause_delay | Discharge pause delay | 10 | s | duration | - | config | yes
full_sync_tail_current | number.full_sync_tail_current | Full-sync tail current | 2.0 | A | current | - | config | yes
critical_mode | select.critical_mode | Critical mode | normal | - | - | - | config | yes
sensor_type | select.current_sensor | Current sensor | 500_a_20_a | - | - | - | config | yes
chemistry | select.chemistry | Chemistry | lifepo4 | - | - | - | config | yes
charge_relay_function | select.charge_relay_function | Charge relay function | allowed_to_charge | - | - | - | config | yes
charge_relay_force | select.charge_relay_force_position | Charge relay force position | inactive | - | - | - | config | yes
load_relay_function | select.load_relay_function | Load relay function | allowed_to_discharge | - | - | - | config | yes
load_relay_force | select.load_relay_force_position | Load relay force position | inactive | - | - | - | config | yes
charge_relay_off | switch.charge_relay_forced_off | Charge relay forced off | off | - | - | - | config | yes
load_relay_off | switch.load_relay_forced_off | Load relay forced off | off | - | - | - | config | yes
use_measured_capacity | switch.use_measured_capacity | Use measured capacity | off | - | - | - | config | yes
soc_voltage_correction | switch.state_of_charge_voltage_correction | State of charge voltage correction | off | - | - | - | config | yes
charge_relay_invert | switch.charge_relay_inverted | Charge relay inverted | off | - | - | - | config | yes
load_relay_invert | switch.load_relay_inverted | Load relay inverted | off | - | - | - | config | yes
"""
CELL = """
cell_{n}_voltage | sensor.cell_{n}_voltage | Cell {n} voltage | {voltage} | V | voltage | measurement | - | yes
cell_{n}_temperature | sensor.cell_{n}_temperature | Cell {n} temperature | {temperature} | °C | temperature | - | - | yes
cell_{n}_balancing | binary_sensor.cell_{n}_balancing | Cell {n} balancing | off | - | - | - | diagnostic | no
"""
CELL_VOLTAGES = """
3.315 3.32 3.315 3.31 3.32 3.315 3.31 3.315 3.315 3.315 3.31 3.315 3.315 3.32 3.32 3.315
"""
CELL_TEMPERATURES = """
19.0 19.9 19.0 19.9 18.1 19.0 19.0 19.0 18.1 19.0 19.0 19.0 19.9 19.9 19.0 19.9
"""
# Generation 2 counts current in coarser steps, and has neither health nor a second status byte.
GEN2_SHOWS = {
    "current": "22.0",
    "power": "1167.1",
    "battery_power": "-1167.1",
    "charge_current": "25.0",
    "charge_power": "1326.25",
    "load_current": "3.0",
    "load_power": "159.15",
    # It counts no energy of the battery, so that is integrated from the first day on.
    "charged_total": "0.038",
    "discharged_total": "0.0",
}
GEN2_LACKS = {
    "device_log",
    "charged_today",
    "discharged_today",
    "state_of_health",
    "charge_cycles",
    "discharge_cycles",
    "charge_efficiency",
    "measured_capacity",
    "measured_charge_capacity",
    "early_warning",
    "below_charge_temperature",
    "below_discharge_temperature",
    "charge_relay",
    "load_relay",
    "t_min_discharge",
    "v_low",
    "v_nominal",
    "v_min_hysteresis",
    "v_max_hysteresis",
    "charge_restart_delay",
    "discharge_restart_delay",
    "charge_pause_delay",
    "discharge_pause_delay",
    "full_sync_tail_current",
    "critical_mode",
    "sensor_type",
    "chemistry",
    "charge_relay_function",
    "charge_relay_force",
    "load_relay_function",
    "load_relay_force",
    "charge_relay_off",
    "load_relay_off",
    "use_measured_capacity",
    "soc_voltage_correction",
    "charge_relay_invert",
    "load_relay_invert",
}

type Row = tuple[str, ...]


def table(text: str) -> dict[str, Row]:
    """Return the rows of a table by their key."""
    rows = (tuple(line.split(" | ")) for line in text.strip().splitlines())
    return {row[0]: row[1:] for row in rows}


def cell_rows() -> dict[str, Row]:
    """Return the rows of the sixteen cells."""
    values = zip(CELL_VOLTAGES.split(), CELL_TEMPERATURES.split(), strict=True)
    rows: dict[str, Row] = {}
    for n, (voltage, temperature) in enumerate(values, 1):
        rows |= table(CELL.format(n=n, voltage=voltage, temperature=temperature))
    return rows


def found(hass: HomeAssistant, before: dict[str, bool]) -> dict[str, Row]:
    """Return a row for every entity there is; `before` says which were shown unasked."""
    rows: dict[str, Row] = {}
    for entity in er.async_get(hass).entities.values():
        state = hass.states.get(entity.entity_id)
        key = entity.unique_id.removeprefix(f"{ADDRESS}_")
        assert state is not None
        rows[key] = (
            entity.entity_id.replace(".123_smartbms_03330_", "."),
            entity.original_name or "-",
            "*" if key == "last_contact" else state.state,
            str(entity.unit_of_measurement or "-"),
            str(entity.original_device_class or "-"),
            str((entity.capabilities or {}).get("state_class", "-")),
            entity.entity_category.value if entity.entity_category else "-",
            "yes" if before[key] else "no",
        )
    return rows


def shown_unasked(hass: HomeAssistant) -> dict[str, bool]:
    """Return by key which entities are enabled."""
    return {
        entity.unique_id.removeprefix(f"{ADDRESS}_"): not entity.disabled
        for entity in er.async_get(hass).entities.values()
    }


async def test_generation_3(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS of generation 3 with sixteen cells has these entities and no others."""
    await set_up(hass, radio, still_bms(hass))
    before = shown_unasked(hass)
    await enable(hass)
    assert found(hass, before) == table(GEN3) | table(SETTINGS) | cell_rows()


async def test_generation_2(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS of generation 2 has what it measures, and nothing that it does not know."""
    await set_up(hass, radio, still_bms(hass, DeviceType.GEN2), seconds=90)
    before = shown_unasked(hass)
    await enable(hass)
    known = table(GEN3) | table(SETTINGS) | cell_rows()
    rows = {key: row for key, row in known.items() if key not in GEN2_LACKS}
    for key, state in GEN2_SHOWS.items():
        rows[key] = (*rows[key][:2], state, *rows[key][3:])
    assert found(hass, before) == rows


async def test_entities_are_called_after_their_device(hass: HomeAssistant, radio: Radio) -> None:
    """Name and id of an entity begin with those of the BMS."""
    await set_up(hass, radio, still_bms(hass))
    state = hass.states.get("sensor.123_smartbms_03330_cell_16_voltage")
    assert state is not None
    assert state.name == "123\\SmartBMS 03330 Cell 16 voltage"


async def test_what_the_connection_can_be(hass: HomeAssistant, radio: Radio) -> None:
    """An automation can choose from all states of the connection."""
    await set_up(hass, radio, still_bms(hass))
    state = hass.states.get("sensor.123_smartbms_03330_connection")
    assert state is not None
    assert state.attributes["options"] == [
        "disconnected",
        "connecting",
        "connected",
        "waiting",
        "paused",
        "pin_rejected",
    ]


async def test_entities_fill_in_as_cells_are_heard(hass: HomeAssistant, radio: Radio) -> None:
    """Once the number of cells is known all are there, unknown until the BMS came to them."""
    await set_up(hass, radio, still_bms(hass), seconds=9.5)
    assert shown(hass, "cell_1_voltage") == "3.315"
    assert shown(hass, "cell_16_voltage") == "unknown"
    assert shown(hass, "cell_16_temperature") == "unknown"
    assert shown(hass, "cell_17_voltage") is None
    # A mean over some of the cells would be no mean.
    assert shown(hass, "average_cell_voltage") is None
    await asyncio.sleep(15)
    assert shown(hass, "cell_16_voltage") == "3.315"
    assert shown(hass, "cell_16_temperature") == "19.9"
    assert shown(hass, "average_cell_voltage") == "3.3153"


class OneSensor(Firmware):
    """A BMS without a second current sensor: it says `X` for the load."""

    def cycle(self) -> Iterator[Record]:
        """Yield the records of one cycle."""
        for record in super().cycle():
            yield record._replace(load_current=None) if isinstance(record, PackRecord) else record


async def test_no_second_current_sensor(hass: HomeAssistant, radio: Radio) -> None:
    """What is not measured has no entity."""
    await set_up(hass, radio, still_bms(hass, firmware_class=OneSensor))
    assert shown(hass, "charge_current") == "24.95"
    assert entity_id(hass, "load_current") is None
    assert entity_id(hass, "load_power") is None


@pytest.mark.parametrize(("cells", "enabled"), [(32, True), (33, False)])
async def test_cells_of_a_large_pack_are_not_shown_unasked(
    hass: HomeAssistant, radio: Radio, cells: int, enabled: bool
) -> None:
    """Up to 32 cells are shown; of a larger pack the owner picks the cells to watch."""
    await set_up(hass, radio, still_bms(hass, cells=cells))
    unasked = shown_unasked(hass)
    assert unasked["cell_1_voltage"] is enabled
    assert unasked[f"cell_{cells}_temperature"] is enabled
    assert not unasked["cell_1_balancing"]
    assert unasked["voltage"]
    assert f"cell_{cells + 1}_voltage" not in unasked


async def test_a_cell_is_taken_out(hass: HomeAssistant, radio: Radio) -> None:
    """The entities of a cell that is gone are unavailable, and the others go on."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    await enable(hass)
    bms.firmware.battery.cells.pop()
    await asyncio.sleep(40)
    assert shown(hass, "cell_15_voltage") == "3.32"
    assert shown(hass, "cell_16_voltage") == "unavailable"
    assert shown(hass, "cell_16_temperature") == "unavailable"
    assert shown(hass, "cell_16_balancing") == "unavailable"
    assert shown(hass, "average_cell_voltage") == "3.3153"
    assert shown(hass, "voltage") == "49.73"


async def test_a_cell_is_added(hass: HomeAssistant, radio: Radio) -> None:
    """A cell that is new gets its entities without a restart."""
    bms = still_bms(hass, cells=15)
    await set_up(hass, radio, bms)
    assert entity_id(hass, "cell_16_voltage") is None
    cells = bms.firmware.battery.cells
    cells.append(replace(cells[0], voltage=3.25, temperature=25.0))
    await asyncio.sleep(40)
    assert shown(hass, "cell_16_voltage") == "3.25"
    assert shown(hass, "cell_16_temperature") == "25.0"
    assert shown(hass, "lowest_cell_voltage") == "3.25"
    assert entity_id(hass, "cell_17_voltage") is None


async def test_cells_that_balance(hass: HomeAssistant, radio: Radio) -> None:
    """A cell above the balance voltage is balancing; one that is just at it is not."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    await enable(hass)
    bms.firmware.battery.balance_voltage = 3.31
    await asyncio.sleep(30)
    assert shown(hass, "balance_voltage") == "3.31"
    assert shown(hass, "balancing_cells") == "13"
    assert shown(hass, "cell_5_balancing") == "on"
    assert shown(hass, "cell_4_balancing") == "off"
    assert shown(hass, "cell_7_balancing") == "off"


class NotCalibrated(Firmware):
    """A BMS that has not been full since it was installed."""

    def status(self) -> int:
        """Return status byte 1."""
        return super().status() | StatusBit.NOT_CALIBRATED


async def test_a_state_of_charge_that_is_not_calibrated(hass: HomeAssistant, radio: Radio) -> None:
    """The bit of the BMS says *not*, the entity says what is."""
    await set_up(hass, radio, still_bms(hass, firmware_class=NotCalibrated))
    assert shown(hass, "calibrated") == "off"


async def test_an_empty_cell(hass: HomeAssistant, radio: Radio) -> None:
    """A cell below its limit raises the alarms and takes the load away."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[4].voltage = 2.5
    await asyncio.sleep(20)
    shows = {
        key: shown(hass, key)
        for key in (
            "voltage_low",
            "early_warning",
            "voltage_high",
            "charge_allowed",
            "charge_relay",
            "discharge_allowed",
            "load_relay",
            "cell_5_voltage",
            "cell_voltage_spread",
        )
    }
    assert shows == {
        "voltage_low": "on",
        "early_warning": "on",
        "voltage_high": "off",
        "charge_allowed": "on",
        "charge_relay": "on",
        "discharge_allowed": "off",
        "load_relay": "off",
        "cell_5_voltage": "2.5",
        "cell_voltage_spread": "820.0",
    }


async def test_the_largest_pack_comes_in_portions(hass: HomeAssistant, radio: Radio) -> None:
    """Hundreds of entities made at once would stop the event loop; two minutes later all are there."""
    await set_up(hass, radio, still_bms(hass, cells=255), seconds=1)
    registry = er.async_get(hass)
    first = len(registry.entities)
    await asyncio.sleep(120)
    assert 0 < first <= 2 * 40 + 20
    # Two for each cell, and one more where it is balancing; the average waits for the last cell.
    assert len(registry.entities) > 3 * 255 + 40
    assert first < len(registry.entities)
