"""Batteries in parallel: a small one of 100 Ah and a large one of 200 Ah, 52 V, as their owner sees them."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    EnergyRecord,
    PackRecord,
    Snapshot,
    Status,
    Status2Bit,
    StatusBit,
    TemperatureRecord,
    VoltageRecord,
)
from custom_components.smartbms.model.bank import BankState, Extreme, Member, combined

# Charging and discharging allowed, both relays closed.
WELL = Status(0x03, 0x30)

# Raw 293 is 18.1 °C on the scale of the app.
SMALL = Snapshot(
    status=WELL,
    pack=PackRecord(52.0, 12.0, 10.0, 2.0),
    voltages=VoltageRecord(3.24, 7, 3.26, 3, 3.4),
    temperatures=TemperatureRecord(293, 2, 296, 5),
    energy=EnergyRecord(100, 2600, 50, 50),
    settings={SettingKey.CAPACITY: 5200.0},
)
LARGE = Snapshot(
    status=WELL,
    pack=PackRecord(52.2, 24.0, 20.0, 4.0),
    voltages=VoltageRecord(3.25, 1, 3.29, 16, 3.4),
    temperatures=TemperatureRecord(291, 9, 295, 4),
    energy=EnergyRecord(200, 8320, 100, 80),
    settings={SettingKey.CAPACITY: 10400.0},
)


def bank(small: Snapshot | None = SMALL, large: Snapshot | None = LARGE) -> BankState:
    """Return the bank of both; `None` for one that is away."""
    return combined([Member(name="Small", snapshot=small), Member(name="Large", snapshot=large)])


def test_two_batteries() -> None:
    """Currents, powers and stored energy are added up; the voltage is the mean."""
    state = bank()
    assert state.heard == 2
    assert state.voltage == pytest.approx(52.1)
    assert (state.current, state.charge_current, state.load_current) == (30.0, 36.0, 6.0)
    assert state.power == pytest.approx(52.0 * 10 + 52.2 * 20)
    assert state.charge_power == pytest.approx(52.0 * 12 + 52.2 * 24)
    assert state.load_power == pytest.approx(52.0 * 2 + 52.2 * 4)
    assert state.stored_energy == 10920


def test_the_state_of_charge_counts_by_capacity() -> None:
    """50 % of 100 Ah and 80 % of 200 Ah are 70 % of 300 Ah."""
    assert bank().state_of_charge == pytest.approx(70.0)


def test_a_state_of_charge_has_no_more_digits_than_it_deserves() -> None:
    """51 % of 100 Ah and 80 % of 200 Ah are 70.333... %."""
    assert bank(replace(SMALL, energy=EnergyRecord(100, 2652, 50, 51))).state_of_charge == 70.3


@pytest.mark.parametrize(
    "small",
    [
        replace(SMALL, settings={}),
        replace(SMALL, settings={SettingKey.CAPACITY: 0.0}),
        replace(SMALL, energy=None),
        replace(SMALL, energy=EnergyRecord(100, 2600, 50, None)),
    ],
)
def test_a_state_of_charge_without_its_weight(small: Snapshot) -> None:
    """While the capacity or the state of charge of one that is heard is not known, that of the bank is not."""
    assert bank(small).state_of_charge is None


def test_the_lowest_and_highest_of_all_cells() -> None:
    """Each with the name of the battery and the number of its cell."""
    state = bank()
    assert state.lowest_cell_voltage == Extreme(3.24, "Small", 7)
    assert state.highest_cell_voltage == Extreme(3.29, "Large", 16)
    assert state.cell_voltage_spread == pytest.approx(0.05)
    assert state.lowest_temperature == Extreme(SMALL.temperature_scale.celsius(291), "Large", 9)
    assert state.highest_temperature == Extreme(SMALL.temperature_scale.celsius(296), "Small", 5)


def test_each_battery_has_its_own_scale_of_temperatures() -> None:
    """What counts are degrees: 291 on the scale of the document is colder than on that of the app."""
    document = replace(SMALL, temperature_scale=TemperatureScale.DOCUMENT)
    state = bank(document)
    assert state.highest_temperature is not None
    assert state.highest_temperature.value == max(
        TemperatureScale.DOCUMENT.celsius(296), TemperatureScale.APP.celsius(295)
    )


def test_equal_cells() -> None:
    """Two batteries of the same name, one of which does not tell the cell: the first is as good as any."""
    twin = replace(SMALL, voltages=VoltageRecord(3.24, None, 3.26, None, 3.4))
    state = combined([Member(name="Twin", snapshot=twin), Member(name="Twin", snapshot=SMALL)])
    assert state.lowest_cell_voltage == Extreme(3.24, "Twin", None)
    assert state.highest_cell_voltage == Extreme(3.26, "Twin", None)


def test_one_battery_away() -> None:
    """A sum over the other would be a lie; the rest is that of the other, and who is missing has its name."""
    state = combined([Member(name="Small", snapshot=SMALL), Member(name="Large", is_missing=True)])
    assert (state.heard, state.missing) == (1, ("Large",))
    assert state.current is state.power is state.charge_current is state.charge_power is None
    assert state.load_current is state.load_power is state.stored_energy is None
    assert state.voltage == 52.0
    assert state.state_of_charge == pytest.approx(50.0)
    assert state.highest_cell_voltage == Extreme(3.26, "Small", 3)
    assert state.cell_voltage_spread == pytest.approx(0.02)
    assert state.status == WELL


def test_a_battery_that_is_away_for_a_moment_is_not_missing() -> None:
    """It is not heard, but nobody has to look for it yet."""
    state = bank(large=None)
    assert (state.heard, state.missing, state.current) == (1, (), None)


def test_nobody_in_reach() -> None:
    """Then nothing is known."""
    assert bank(None, None) == BankState()


def test_a_battery_that_has_said_nothing_yet() -> None:
    """It is in reach, but without its current there is no sum, and it has no lowest cell."""
    state = bank(Snapshot())
    assert state.heard == 2
    assert state.current is state.power is state.stored_energy is state.state_of_charge is None
    assert state.voltage == 52.2
    assert state.lowest_cell_voltage == Extreme(3.25, "Large", 1)
    assert state.status == WELL


def test_what_a_record_does_not_tell() -> None:
    """A record may come without a field."""
    mute = replace(
        SMALL,
        pack=PackRecord(None, None, None, None),
        voltages=VoltageRecord(None, None, None, None, None),
        temperatures=TemperatureRecord(None, None, None, None),
    )
    state = combined([Member(name="Small", snapshot=mute)])
    assert state == BankState(heard=1, status=WELL, stored_energy=2600, state_of_charge=50.0)
    assert state.cell_voltage_spread is None


def test_a_single_current_sensor() -> None:
    """One battery without a load sensor: the bank's load is not known, its battery current is."""
    state = bank(replace(SMALL, pack=PackRecord(52.0, 10.0, 10.0, None)))
    assert state.load_current is state.load_power is None
    assert state.current == 30.0


@pytest.mark.parametrize(
    "alarm",
    [
        StatusBit.COMMUNICATION_ERROR,
        StatusBit.VOLTAGE_LOW,
        StatusBit.VOLTAGE_HIGH,
        StatusBit.TEMPERATURE_LOW,
        StatusBit.TEMPERATURE_HIGH,
        StatusBit.NOT_CALIBRATED,
    ],
)
def test_an_alarm_of_one_is_an_alarm_of_the_bank(alarm: StatusBit) -> None:
    """Whichever battery it is; and nothing else is wrong."""
    assert bank().status.has(alarm) is False
    assert bank(small=replace(SMALL, status=Status(0x03 | alarm, 0x30))).status == Status(0x03 | alarm, 0x30)
    assert bank(large=replace(LARGE, status=Status(0x03 | alarm, 0x30))).status.has(alarm) is True


@pytest.mark.parametrize(
    "warning",
    [
        Status2Bit.EARLY_WARNING,
        Status2Bit.BELOW_CHARGE_TEMPERATURE,
        Status2Bit.BELOW_DISCHARGE_TEMPERATURE,
    ],
)
def test_a_warning_of_one_is_a_warning_of_the_bank(warning: Status2Bit) -> None:
    """As an alarm."""
    assert bank().status.has(warning) is False
    assert bank(small=replace(SMALL, status=Status(0x03, 0x30 | warning))).status.has(warning) is True


@pytest.mark.parametrize("bit", [StatusBit.CHARGE_ALLOWED, StatusBit.DISCHARGE_ALLOWED])
def test_one_that_blocks_blocks_the_bank(bit: StatusBit) -> None:
    """The manual connects the relays of batteries in parallel in series."""
    assert bank().status.has(bit) is True
    assert bank(small=replace(SMALL, status=Status(0x03 & ~bit, 0x30))).status.has(bit) is False
    assert bank(large=replace(LARGE, status=Status(0x03 & ~bit, 0x30))).status.has(bit) is False


@pytest.mark.parametrize("bit", [Status2Bit.CHARGE_RELAY_CLOSED, Status2Bit.LOAD_RELAY_CLOSED])
def test_one_open_relay_opens_that_of_the_bank(bit: Status2Bit) -> None:
    """In series, one is enough."""
    assert bank().status.has(bit) is True
    assert bank(large=replace(LARGE, status=Status(0x03, 0x30 & ~bit))).status.has(bit) is False


def test_a_bms_that_sends_one_status_byte() -> None:
    """Generation 2 knows no second one; what the other says of its relays is said."""
    state = bank(small=replace(SMALL, status=Status(0x03, None)))
    assert state.status == WELL
    assert bank(replace(SMALL, status=Status()), replace(LARGE, status=Status())).status == Status()
