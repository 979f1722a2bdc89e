"""Each named day shows what is wrong with it, and what its owner does about it helps."""

from collections.abc import Callable

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import LogEvent, StatusBit
from custom_components.smartbms.model.relays import Relays, Rule, decide
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.scenario import SCENARIOS, ScenarioKey
from tests.simulated import Clock

MINUTE = 60.0
SIZES = pytest.mark.parametrize("cells", [2, 4, 16, 255])
BOTH_ON = Relays(charge=True, load=True)


class Day:
    """One simulated BMS that lives through a scenario."""

    def __init__(
        self, key: ScenarioKey, cells: int = 16, device_type: DeviceType = DeviceType.GEN3_RAYTAC
    ) -> None:
        """Begin."""
        self.clock = Clock()
        self.firmware = Firmware(Battery(cells), device_type, self.clock)
        self.scenario = SCENARIOS[key]
        self.scenario.begin(self.firmware)

    def passes(self, minutes: float) -> None:
        """Live for some minutes."""
        self.until(lambda: False, minutes)

    def until(self, condition: Callable[[], bool], minutes: float) -> bool:
        """Live until something is true, for some minutes at most; return whether it came about."""
        for _ in range(round(minutes * 6)):
            if condition():
                return True
            self.clock.now += 10
            self.firmware.advance()
        return condition()

    def cure(self) -> None:
        """Do what the owner does."""
        self.scenario.cure(self.firmware)

    @property
    def why_not_charging(self) -> list[Rule]:
        """The rules that keep the charge relay off."""
        bms = self.firmware
        heard = None if bms.chain_broken else bms.reading
        return [cause.rule for cause in decide(bms.profile, bms.limits, heard, bms.relays).charge_causes]


def test_every_scenario_is_there() -> None:
    """Nine of them, each under its own name."""
    assert {key.value for key in SCENARIOS} == {
        "solar_day",
        "charger_too_high",
        "weak_cell",
        "frosty_morning",
        "chain_broken",
        "combined_inverter",
        "reversed_sensor",
        "never_calibrated",
        "power_lost",
    }
    assert all(scenario.key is key for key, scenario in SCENARIOS.items())


@SIZES
def test_a_solar_day(cells: int) -> None:
    """Within 45 minutes the sun has filled the pack, and full blocks charging until the evening's cooking."""
    day = Day(ScenarioKey.SOLAR_DAY, cells)
    assert day.firmware.relays == BOTH_ON
    assert day.until(lambda: not day.firmware.relays.charge, 45)
    assert Rule.FULL in day.why_not_charging
    assert day.firmware.state_of_charge == 100
    assert day.firmware.relays.load
    day.passes(30)
    assert not day.firmware.relays.charge
    day.cure()
    assert day.until(lambda: day.firmware.relays.charge, 40)
    assert day.firmware.state_of_charge < 95
    assert day.firmware.battery.charge_current == 0
    assert day.firmware.memory.newest_entry is None


@SIZES
def test_a_charger_set_too_high(cells: int) -> None:
    """Within 10 minutes cell 2 reaches V max, while cell 1 is still below the balance voltage."""
    day = Day(ScenarioKey.CHARGER_TOO_HIGH, cells)
    assert day.until(lambda: not day.firmware.relays.charge, 10)
    reading = day.firmware.reading
    assert (reading.highest_voltage.cell, reading.highest_voltage.value >= 3.7) == (2, True)
    assert (reading.lowest_voltage.cell, reading.lowest_voltage.value < 3.4) == (1, True)
    assert Rule.CELL_VOLTAGE_HIGH in day.why_not_charging
    assert Rule.FULL not in day.why_not_charging
    assert day.firmware.state_of_charge < 100


@SIZES
def test_a_charger_that_stays_too_high(cells: int) -> None:
    """Again and again: three times within four hours, an hour apart or more."""
    day = Day(ScenarioKey.CHARGER_TOO_HIGH, cells)
    trips = 0
    for _ in range(240):
        was_on = day.firmware.relays.charge
        day.passes(1)
        if was_on and Rule.CELL_VOLTAGE_HIGH in day.why_not_charging:
            trips += 1
    assert trips == 3


@SIZES
def test_a_charger_that_was_lowered(cells: int) -> None:
    """Within 90 minutes the pack is full, and no cell has come near V max."""
    day = Day(ScenarioKey.CHARGER_TOO_HIGH, cells)
    day.until(lambda: not day.firmware.relays.charge, 10)
    day.cure()
    assert day.until(lambda: day.firmware.relays.charge, 35)
    highest = 0.0

    def is_full() -> bool:
        nonlocal highest
        highest = max(highest, day.firmware.reading.highest_voltage.value)
        return day.firmware.state_of_charge == 100

    assert day.until(is_full, 60)
    assert highest < 3.5
    assert Rule.FULL in day.why_not_charging


@pytest.mark.parametrize(("cells", "weak"), [(2, 2), (4, 4), (16, 5), (255, 5)])
def test_a_weak_cell(cells: int, weak: int) -> None:
    """Within 10 minutes it has been the lowest under load and the highest while charging, every time."""
    day = Day(ScenarioKey.WEAK_CELL, cells)
    loaded, charged = set(), set()
    for _ in range(60):
        day.passes(1 / 6)
        net, reading = day.firmware.currents[1], day.firmware.reading
        if net < -20:
            loaded.add(reading.lowest_voltage.cell)
        if net > 20:
            charged.add(reading.highest_voltage.cell)
    assert (loaded, charged) == ({weak}, {weak})
    assert day.firmware.relays == BOTH_ON


def test_a_cell_that_was_replaced() -> None:
    """Cell 5 is one among the others: no more than 20 mV apart, with load and without."""
    day = Day(ScenarioKey.WEAK_CELL)
    day.passes(10)
    day.cure()
    for _ in range(120):
        day.passes(1 / 6)
        voltages = [cell.voltage for cell in day.firmware.battery.cells]
        others = sum(voltages[:4] + voltages[5:]) / 15
        assert abs(voltages[4] - others) < 0.02


@SIZES
def test_a_frosty_morning(cells: int) -> None:
    """The sun is up and wants to charge, but the cells are below freezing; the house has power."""
    day = Day(ScenarioKey.FROSTY_MORNING, cells)
    day.passes(10)
    around = day.firmware.battery.surroundings
    assert around.time_of_day > 7.5 * 3600
    assert day.firmware.relays == Relays(charge=False, load=True)
    assert day.why_not_charging == [Rule.TOO_COLD]
    assert day.firmware.status() & StatusBit.TEMPERATURE_LOW
    assert day.firmware.memory.log[0].event is LogEvent.TEMPERATURE_LOW_CHARGE
    day.cure()
    assert day.until(lambda: day.firmware.battery.charge_current > 5, 25)
    assert day.firmware.status() == 0x03


@pytest.mark.parametrize(("cells", "silent"), [(2, 2), (4, 3), (16, 8), (255, 8)])
def test_a_broken_chain(cells: int, silent: int) -> None:
    """Nothing is allowed at once; the log names the cell; repaired it goes on as before."""
    day = Day(ScenarioKey.CHAIN_BROKEN, cells)
    assert day.firmware.relays == Relays()
    assert day.why_not_charging == [Rule.NO_COMMUNICATION]
    day.passes(1)
    assert [*day.firmware.currents] == [0, 0, 0]
    assert day.firmware.memory.log[0].cell == silent
    day.cure()
    day.passes(1)
    assert day.firmware.relays == BOTH_ON
    assert day.firmware.currents[0] > 5


@SIZES
def test_a_combined_inverter(cells: int) -> None:
    """Within 15 minutes the pack is full, and the whole device stands still for an hour and more."""
    day = Day(ScenarioKey.COMBINED_INVERTER, cells)
    day.passes(1)
    assert day.firmware.currents[0] > 20 and day.firmware.currents[2] is None
    assert day.until(lambda: not day.firmware.relays.charge, 15)
    assert Rule.FULL in day.why_not_charging
    for _ in range(60):
        day.passes(1)
        assert day.firmware.relays == Relays(charge=False, load=True)
        assert day.firmware.currents == (0, 0, None)


@pytest.mark.parametrize("device_type", [DeviceType.GEN2, DeviceType.GEN3_RAYTAC])
def test_a_combined_inverter_in_critical_mode(device_type: DeviceType) -> None:
    """Within a minute it runs again, and stays connected though the pack is full."""
    day = Day(ScenarioKey.COMBINED_INVERTER, device_type=device_type)
    day.passes(20)
    day.cure()
    day.passes(1)
    for _ in range(30):
        day.passes(1)
        assert day.firmware.relays == BOTH_ON
        assert day.firmware.battery.load_current > 1


@SIZES
def test_a_reversed_sensor(cells: int) -> None:
    """The load is shown as negative, and after 10 minutes the BMS believes in 3 % too much."""
    day = Day(ScenarioKey.REVERSED_SENSOR, cells)
    day.passes(10)
    battery, currents = day.firmware.battery, day.firmware.currents
    assert currents[2] == pytest.approx(-battery.load_current, abs=0.1)
    assert currents[1] == pytest.approx(battery.charge_current + battery.load_current, abs=0.1)
    assert battery.load_current > 5
    assert day.firmware.state_of_charge > battery.state_of_charge * 100 + 3
    day.cure()
    day.passes(1)
    assert day.firmware.currents[2] == pytest.approx(battery.load_current, abs=0.1)
    assert day.firmware.currents[1] == pytest.approx(battery.current, abs=0.1)


@SIZES
def test_never_calibrated(cells: int) -> None:
    """It believes in 40 % of a nearly full pack, until a full charge within 20 minutes."""
    day = Day(ScenarioKey.NEVER_CALIBRATED, cells)
    day.passes(30)
    assert day.firmware.status() & StatusBit.NOT_CALIBRATED
    assert day.firmware.state_of_charge < 41
    assert day.firmware.battery.state_of_charge > 0.9
    day.cure()
    assert day.until(lambda: not day.firmware.status() & StatusBit.NOT_CALIBRATED, 20)
    assert day.firmware.state_of_charge == 100


@SIZES
def test_power_lost(cells: int) -> None:
    """Gone for ten seconds, back not calibrated, and calibrated by a full charge within 20 minutes."""
    day = Day(ScenarioKey.POWER_LOST, cells)
    gone = []
    for _ in range(2):
        gone.append(not day.firmware.is_on)
        day.clock.now += 10
        day.firmware.advance()
    assert gone == [True, False]
    assert day.firmware.relays == BOTH_ON
    assert day.firmware.status() & StatusBit.NOT_CALIBRATED
    assert day.firmware.memory.clock == pytest.approx(10)
    day.cure()
    assert day.until(lambda: not day.firmware.status() & StatusBit.NOT_CALIBRATED, 20)


def test_power_that_comes_back_by_its_owner() -> None:
    """The cure does not wait for the ten seconds."""
    day = Day(ScenarioKey.POWER_LOST)
    day.cure()
    assert day.firmware.is_on


@pytest.mark.parametrize("first", ScenarioKey)
@pytest.mark.parametrize("second", ScenarioKey)
def test_a_scenario_does_not_care_what_was_before(first: ScenarioKey, second: ScenarioKey) -> None:
    """After any other it is what it would be by itself, cured or not."""
    fresh = Day(second, cells=4)
    for is_cured in (False, True):
        day = Day(first, cells=4)
        day.passes(15)
        if is_cured:
            day.cure()
            day.passes(5)
        SCENARIOS[second].begin(day.firmware)
        bms, alone = day.firmware, fresh.firmware
        assert bms.battery.cells == alone.battery.cells
        assert bms.battery.surroundings == alone.battery.surroundings
        assert (bms.sensors.load is None) is (alone.sensors.load is None)
        assert (bms.relays, bms.status(), bms.is_on) == (alone.relays, alone.status(), alone.is_on)
        assert bms.charge == alone.charge
        assert bms.counts == alone.counts


def test_a_scenario_needs_power() -> None:
    """Chosen while the power is off, it begins with power."""
    day = Day(ScenarioKey.POWER_LOST)
    SCENARIOS[ScenarioKey.SOLAR_DAY].begin(day.firmware)
    assert day.firmware.is_on
    assert day.firmware.status() == 0x03


def test_what_an_owner_has_set_stays() -> None:
    """Settings and balance voltage are not a matter of the day, but capacity and mode are."""
    day = Day(ScenarioKey.SOLAR_DAY)
    day.firmware.counts[SettingKey.V_MAX] = 720
    day.firmware.battery.balance_voltage = 3.45
    SCENARIOS[ScenarioKey.WEAK_CELL].begin(day.firmware)
    assert day.firmware.setting(SettingKey.V_MAX) == 3.6
    assert day.firmware.battery.balance_voltage == 3.45


@pytest.mark.parametrize("key", ScenarioKey)
@pytest.mark.parametrize("device_type", [DeviceType.GEN2, DeviceType.GEN3_RAYTAC])
def test_hours_of_each(key: ScenarioKey, device_type: DeviceType) -> None:
    """Lived through and cured, on either generation: no cell is ruined."""
    day = Day(key, cells=4, device_type=device_type)
    for _ in range(2):
        for _ in range(120):
            day.passes(1)
            voltages = [cell.voltage for cell in day.firmware.battery.cells]
            assert 2.7 < min(voltages) < max(voltages) < 3.75
        day.cure()
