"""What the simulated BMS makes of its sensors: alarms, relays, state of charge, energies."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import LogEntry, LogEvent, Status2Bit, StatusBit
from custom_components.smartbms.model.profiles import PROFILES, ProfileKey
from custom_components.smartbms.model.relays import Relays
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.guard import Energies, Guard
from custom_components.smartbms.simulator.sensors import CurrentSensor, Sensors
from custom_components.smartbms.simulator.surroundings import Charger, Surroundings
from tests.simulated import Clock, still_firmware

HOUR = 3600.0


@pytest.fixture
def still() -> Firmware:
    """Return a BMS of generation 3 with two cells that stand still."""
    return still_firmware(Clock())


@pytest.fixture
def gen2() -> Firmware:
    """Return the same in generation 2."""
    return still_firmware(Clock(), DeviceType.GEN2)


def guarding(
    state_of_charge: float = 0.5,
    *,
    solar_peak: float = 0.0,
    load_peak: float = 0.0,
    charger: Charger | None = None,
    generation: Generation = Generation.GEN3,
) -> Guard:
    """Return a BMS that guards four cells of 100 Ah, 1.3 kWh, at noon."""
    surroundings = Surroundings(
        solar_peak=solar_peak, load_peak=load_peak, charger=charger, time_of_day=12 * HOUR
    )
    return Guard(
        Battery(4, capacity=100, state_of_charge=state_of_charge, surroundings=surroundings), generation
    )


# Alarms.


@pytest.mark.parametrize(
    ("change", "status", "status2"),
    [
        ({}, 0x03, 0x30),
        ({"voltage": 2.89}, 0x01 | StatusBit.VOLTAGE_LOW, 0x10 | Status2Bit.EARLY_WARNING),
        ({"voltage": 2.95}, 0x03, 0x30 | Status2Bit.EARLY_WARNING),
        ({"voltage": 3.71}, 0x02 | StatusBit.VOLTAGE_HIGH, 0x20),
        (
            {"temperature": -1.0},
            0x02 | StatusBit.TEMPERATURE_LOW,
            0x20 | Status2Bit.BELOW_CHARGE_TEMPERATURE,
        ),
        (
            {"temperature": -15.0},
            StatusBit.TEMPERATURE_LOW,
            Status2Bit.BELOW_CHARGE_TEMPERATURE | Status2Bit.BELOW_DISCHARGE_TEMPERATURE,
        ),
        ({"temperature": 65.0}, StatusBit.TEMPERATURE_HIGH, 0x00),
    ],
)
def test_status_bits(still: Firmware, change: dict[str, float], status: int, status2: int) -> None:
    """One cell out of its limits is seen in the bits and in the relays."""
    still.battery.cells[1] = replace(still.battery.cells[1], **change)
    still.pass_time(0)
    assert (still.status(), still.status2()) == (status, status2)


def test_generation_2_status(gen2: Firmware) -> None:
    """Generation 2 has one status byte; its one T min counts for charge and load."""
    gen2.battery.cells[0].temperature = -1.0
    gen2.pass_time(0)
    assert (gen2.status(), gen2.status2()) == (StatusBit.TEMPERATURE_LOW, None)


def test_broken_cell_chain(still: Firmware) -> None:
    """Both relays open, and of the cells nothing else is said, however they are."""
    still.chain_broken = True
    still.battery.cells[0].voltage = 2.5
    still.pass_time(0)
    assert (still.status(), still.status2()) == (0x04, 0x00)
    assert not still.battery.charge_allowed
    assert not still.battery.load_allowed


@pytest.mark.parametrize(("cells", "silent"), [(2, 2), (4, 3), (8, 5), (14, 8), (16, 8), (255, 8)])
def test_where_the_chain_breaks(cells: int, silent: int) -> None:
    """Between cells 7 and 8, in a shorter pack in the middle; the first that is silent is logged."""
    firmware = still_firmware(Clock(), cells=cells)
    firmware.chain_broken = True
    firmware.pass_time(0)
    assert firmware.memory.log[0] == LogEntry(604800, LogEvent.COMMUNICATION, 0, silent)


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        ({"voltage": 2.89}, LogEntry(604800, LogEvent.VOLTAGE_LOW, 578, 2)),
        ({"voltage": 3.71}, LogEntry(604800, LogEvent.VOLTAGE_HIGH, 742, 2)),
        ({"temperature": -1.0}, LogEntry(604800, LogEvent.TEMPERATURE_LOW_CHARGE, 270, 2)),
        ({"temperature": 65.0}, LogEntry(604800, LogEvent.TEMPERATURE_HIGH, 347, 2)),
    ],
)
def test_an_alarm_is_logged(still: Firmware, change: dict[str, float], entry: LogEntry) -> None:
    """With its value and its cell, when it begins."""
    still.battery.cells[1] = replace(still.battery.cells[1], **change)
    still.pass_time(0)
    still.pass_time(0)
    assert still.memory.log[:2] == [entry, LogEntry(0, LogEvent.EMPTY, 0, 0)]


def test_too_cold_even_for_the_load(still: Firmware) -> None:
    """Both temperatures have an entry of their own."""
    still.battery.cells[0].temperature = -15.0
    still.pass_time(0)
    assert [entry.event for entry in still.memory.log[:2]] == [
        LogEvent.TEMPERATURE_LOW_CHARGE,
        LogEvent.TEMPERATURE_LOW_DISCHARGE,
    ]


@pytest.mark.parametrize(("alarm", "within", "back"), [(3.71, 3.66, 3.6), (2.89, 2.99, 3.05)])
def test_a_voltage_that_trembles_is_one_alarm(
    still: Firmware, alarm: float, within: float, back: float
) -> None:
    """Until it is back by its hysteresis, 0.05 V at V max and 0.1 V at V min."""
    entries = []
    for voltage in (alarm, within, alarm, back, alarm):
        still.battery.cells[0].voltage = voltage
        still.pass_time(0)
        entries.append(still.memory.newest_entry)
    assert entries == [0, 0, 0, 0, 1]


# Relays.


def test_it_decides_by_what_it_reports(still: Firmware) -> None:
    """3.698 V is reported as 3.700 V, and that is V max; 59.9 % are 59 %."""
    still.battery.cells[0].voltage = 3.698
    still.install(still.battery, state_of_charge=0.599)
    assert still.relays == Relays(charge=False, load=True)
    assert (still.reading.highest_voltage.value, still.reading.state_of_charge) == (3.7, 59)


def test_the_hysteresis_of_its_settings(still: Firmware) -> None:
    """The load, off at 2.9 V, waits for more than 3.0 V."""
    still.counts[SettingKey.DISCHARGE_RESTART_DELAY] = 0
    seen = []
    for voltage in (2.9, 2.95, 3.0, 3.01):
        still.battery.cells[0].voltage = voltage
        still.pass_time(0)
        seen.append(still.relays.load)
    assert seen == [False, False, False, True]


def test_the_restart_delay_of_its_settings(still: Firmware) -> None:
    """The load, off at 2.9 V, stays off for a minute, and is back at once when that is over."""
    still.battery.cells[0].voltage = 2.9
    still.pass_time(0)
    assert still.relays.load is False
    seen = []
    for _ in range(7):
        still.battery.cells[0].voltage = 3.3
        still.pass_time(10)
        seen.append(still.relays.load)
    assert seen == [False, False, False, False, False, False, True]


def test_a_profile_of_its_own() -> None:
    """Early firmware calls a pack full however hard it charges (MANG)."""
    battery = Battery(4, capacity=100, surroundings=Surroundings(solar_peak=0, load_peak=0))
    guard = Guard(battery, Generation.GEN3, PROFILES[ProfileKey.GEN3_EARLY])
    battery.charge_current = 50
    for cell in battery.cells:
        cell.voltage = 3.45
    guard.pass_time(0)
    assert guard.relays == Relays(charge=False, load=True)
    assert guard.state_of_charge == 100


@pytest.mark.parametrize("generation", Generation)
def test_critical_mode(generation: Generation) -> None:
    """A setting in generation 3, an option switch in generation 2: a full pack stays connected."""
    guard = guarding(0.99, charger=Charger(current=20), generation=generation)
    guard.set_critical(True)
    guard.pass_time(HOUR)
    assert guard.relays == Relays(charge=True, load=True)
    assert guard.state_of_charge > 99.5
    guard.set_critical(False)
    guard.pass_time(HOUR)
    assert guard.relays == Relays(charge=False, load=True)
    assert (SettingKey.CRITICAL_MODE in guard.counts) is (generation is Generation.GEN3)


def test_the_battery_is_guarded() -> None:
    """Left alone for days no cell leaves the limits by more than a moment's worth."""
    guard = guarding(solar_peak=400, load_peak=600)
    lowest, highest = 9.9, 0.0
    for _ in range(3 * 1440):
        guard.pass_time(60)
        voltages = [cell.voltage for cell in guard.battery.cells]
        lowest, highest = min(lowest, *voltages), max(highest, *voltages)
    assert 2.7 < lowest < highest < 3.75


def test_it_decides_every_ten_seconds() -> None:
    """However long it is left alone: an hour at once is an hour step by step."""
    at_once, in_steps = (guarding(0.98, charger=Charger(current=50, end_voltage=3.8)) for _ in range(2))
    at_once.pass_time(HOUR)
    for _ in range(360):
        in_steps.pass_time(10)
    assert at_once.battery.cells == in_steps.battery.cells
    assert at_once.charge == in_steps.charge
    assert max(cell.voltage for cell in at_once.battery.cells) < 3.7


# State of charge.


def test_it_begins_calibrated_and_right() -> None:
    """It was set up long ago and knows its battery."""
    guard = guarding(0.5)
    assert guard.state_of_charge == pytest.approx(guard.battery.state_of_charge * 100)
    assert not guard.status() & StatusBit.NOT_CALIBRATED


def test_it_counts_what_its_sensors_report() -> None:
    """Five hours at 5 A are 25 of 100 Ah, by the sensor; an offset of 1 A is 5 Ah more."""
    for offset, percent in ((0.0, 24.9), (1.0, 29.9)):
        guard = guarding(0.2, charger=Charger(current=5))
        guard.sensors = Sensors(charge=CurrentSensor(offset=offset))
        before = guard.state_of_charge
        guard.pass_time(5 * HOUR)
        assert guard.state_of_charge - before == pytest.approx(percent, abs=0.5)


def test_a_current_within_the_deadband_is_not_counted() -> None:
    """A sensor that shows 0.14 A too much does no harm."""
    guard = guarding(0.5)
    guard.sensors = Sensors(charge=CurrentSensor(offset=0.12))
    before = guard.charge.stored
    guard.pass_time(10 * HOUR)
    assert guard.charge.stored == before


def test_a_sensor_that_no_manual_knows() -> None:
    """Of the 1000 A sensor nobody gives a deadband: nothing is taken for none."""
    guard = guarding(0.5)
    guard.counts[SettingKey.SENSOR_TYPE] = 0x0B
    guard.sensors = Sensors(charge=CurrentSensor(offset=0.1, noise=0))
    guard.pass_time(0)
    assert guard.currents == (0.1, 0.1, 0.0)


def test_full_calibrates() -> None:
    """Not calibrated until it is full, and 100 % from then on, whatever it believed."""
    guard = guarding(0.97, charger=Charger(current=20))
    guard.install(guard.battery, state_of_charge=0.3, is_calibrated=False)
    assert guard.status() & StatusBit.NOT_CALIBRATED
    assert guard.state_of_charge == pytest.approx(30)
    guard.pass_time(HOUR)
    assert not guard.status() & StatusBit.NOT_CALIBRATED
    assert guard.charge.is_calibrated


@pytest.mark.parametrize(("generation", "percent"), [(Generation.GEN3, 0), (Generation.GEN2, 40)])
def test_empty(generation: Generation, percent: float) -> None:
    """A cell that stays below V min with the load off is 0 %, in generation 3."""
    guard = guarding(0.5, generation=generation)
    guard.install(guard.battery, state_of_charge=0.4)
    for cell in guard.battery.cells:
        cell.charge = 0.002 * cell.capacity
    guard.pass_time(120)
    assert guard.state_of_charge == pytest.approx(percent)
    assert guard.relays.load is False


def test_nothing_is_counted_while_the_chain_is_broken() -> None:
    """Nothing flows, and without voltages there is no energy."""
    guard = guarding(charger=Charger(current=20))
    guard.chain_broken = True
    guard.pass_time(0)
    before = guard.charge
    guard.pass_time(HOUR)
    assert guard.charge == before


# Energies.


def test_energies_are_split_by_direction() -> None:
    """The battery takes what the sun gives more than the house needs, and gives what is missing."""
    energies = Energies()
    energies.add(collected=5, consumed=2)
    energies.add(collected=1, consumed=2)
    assert energies == Energies(collected=6, consumed=4, charged=3, discharged=1)


def test_energy_is_conserved() -> None:
    """Sun less house is what the battery took less what it gave, and volts times ampere-hours."""
    guard = guarding(solar_peak=700, load_peak=500)
    energy = 0.0
    for _ in range(8640):
        guard.pass_time(10)
        energy += guard.voltage * guard.battery.current * 10 / 3600
    total = guard.total
    assert total.collected > 500 and total.consumed > 500
    assert total.charged > 0 and total.discharged > 0
    assert total.collected - total.consumed == pytest.approx(total.charged - total.discharged)
    assert total.charged - total.discharged == pytest.approx(energy, abs=10)


def test_cleared_counters() -> None:
    """The app clears what is counted of the day and in all; what has flowed has flowed."""
    guard = guarding(solar_peak=700, load_peak=500)
    before = guard.since_clear.collected
    guard.pass_time(HOUR)
    flowed = guard.total.collected
    assert guard.since_clear.collected - before == pytest.approx(flowed)
    guard.clear_energy()
    assert guard.today == guard.since_clear == Energies()
    assert guard.total.collected == flowed > 100


def test_a_clock_of_its_own() -> None:
    """Its midnight is that of its own clock, not that of the sun."""
    guard = guarding(solar_peak=700)
    guard.clock_offset = 11 * HOUR
    assert guard.time_of_day == pytest.approx(23 * HOUR, abs=2)
    guard.pass_time(0.9 * HOUR)
    assert guard.today.collected > 100
    guard.pass_time(0.2 * HOUR)
    assert 0 < guard.today.collected < 100


def test_the_day_counters_begin_anew_at_midnight() -> None:
    """Today's energies are those since midnight; the totals go on."""
    guard = guarding(0.3, solar_peak=400, load_peak=200)
    guard.pass_time(11.9 * HOUR)
    evening = guard.today.collected
    assert evening == guard.total.collected > 500
    guard.pass_time(0.2 * HOUR)
    assert guard.today.collected == 0
    assert 0 < guard.today.consumed < 10
    assert guard.total.collected == evening


def test_with_one_sensor_the_net_is_counted() -> None:
    """What comes in is collected, what goes out is consumed, and never both at once."""
    for sun, house in ((300, 0), (0, 300)):
        guard = guarding(solar_peak=sun, load_peak=house)
        guard.sensors = Sensors(load=None)
        guard.pass_time(HOUR)
        assert (guard.total.collected > 20, guard.total.consumed > 20) == (sun > 0, house > 0)
        assert guard.total.collected * guard.total.consumed == 0


def test_a_reversed_load_sensor_consumes_nothing() -> None:
    """What goes out is taken for what comes in."""
    guard = guarding(load_peak=600)
    guard.sensors = Sensors(load=CurrentSensor(is_reversed=True))
    before = guard.charge.stored
    guard.pass_time(HOUR)
    assert guard.total.consumed == 0
    assert guard.charge.stored > before + 50


# Another battery.


def test_another_battery() -> None:
    """What was wrong with the last one is forgotten, the settings but capacity and mode stay."""
    guard = guarding()
    guard.counts[SettingKey.V_MAX] = 720
    guard.set_critical(True)
    guard.chain_broken = True
    guard.pass_time(HOUR)
    guard.install(Battery(4, capacity=200, state_of_charge=0.97))
    assert guard.setting(SettingKey.CAPACITY) == 2600
    assert (guard.setting(SettingKey.V_MAX), guard.setting(SettingKey.CRITICAL_MODE)) == (3.6, 0)
    assert guard.status() == 0x03
    assert guard.memory.history[-1] == 97
    assert guard.memory.log[0].event is LogEvent.COMMUNICATION
