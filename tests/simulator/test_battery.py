"""The simulated battery obeys physics."""

import pytest

from custom_components.smartbms.model.chemistry import Chemistry
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.surroundings import Charger, Surroundings

HOUR = 3600.0


def around(solar_peak: float = 0.0, load_peak: float = 0.0, charger: Charger | None = None) -> Surroundings:
    """Return surroundings at noon."""
    return Surroundings(solar_peak=solar_peak, load_peak=load_peak, charger=charger, time_of_day=12 * HOUR)


@pytest.mark.parametrize("cells", [2, 16, 255])
def test_pack_is_the_sum_of_its_cells(cells: int) -> None:
    """The smallest and the largest pack the manuals allow: cells in series, a little different."""
    battery = Battery(cells)
    assert len(battery.cells) == cells
    assert battery.voltage == pytest.approx(sum(cell.voltage for cell in battery.cells))
    assert 3.2 * cells < battery.voltage < 3.45 * cells
    assert battery.state_of_charge == pytest.approx(0.62, abs=0.03)
    assert all(18 < cell.temperature < 21 for cell in battery.cells)
    assert len({cell.charge for cell in battery.cells}) == cells


@pytest.mark.parametrize(
    ("cells", "sun", "house"), [(2, 375, 225), (16, 3000, 1800), (255, 47812.5, 28687.5)]
)
def test_a_larger_pack_has_a_larger_house(cells: int, sun: float, house: float) -> None:
    """Otherwise the sun of sixteen cells would boil two, and a large pack would never be full."""
    battery = Battery(cells)
    assert (battery.surroundings.solar_peak, battery.surroundings.load_peak) == (sun, house)
    assert 15 < battery.charge_current < 40


def test_the_cells_meet_at_the_top() -> None:
    """What is missing to full is nearly the same in each, whatever they hold: the pack was balanced."""
    battery = Battery(16, capacity=100)
    missing = [cell.capacity - cell.charge for cell in battery.cells]
    assert max(missing) - min(missing) < 0.5
    assert max(cell.capacity for cell in battery.cells) > min(cell.capacity for cell in battery.cells) + 2


def test_a_smaller_cell_has_more_resistance() -> None:
    """Half a milliohm with 280 Ah, five with 28 Ah."""
    for capacity, low, high in ((280, 0.0004, 0.0007), (28, 0.004, 0.007)):
        assert all(low <= cell.resistance <= high for cell in Battery(capacity=capacity).cells)


def test_charge_is_conserved() -> None:
    """What a cell gains in Ah is what flowed, as long as nothing is balanced."""
    battery = Battery(4, state_of_charge=0.4, surroundings=around(solar_peak=500))
    before = [cell.charge for cell in battery.cells]
    flowed = 0.0
    for _ in range(360):
        battery.advance(10)
        flowed += battery.current * 10 / 3600
    assert flowed > 1
    assert all(
        cell.charge - charge == pytest.approx(flowed)
        for cell, charge in zip(battery.cells, before, strict=True)
    )


def test_balancing_takes_an_ampere() -> None:
    """A cell above the balance voltage loses 1 A and gets warm; the others do not."""
    battery = Battery(2, surroundings=around())
    battery.cells[0].charge = battery.cells[0].capacity
    battery.advance(10)
    high, low = battery.cells[0].charge, battery.cells[1].charge
    warm, cool = battery.cells[0].temperature, battery.cells[1].temperature
    battery.advance(360)
    assert high - battery.cells[0].charge == pytest.approx(0.1)
    assert battery.cells[1].charge == low
    assert battery.cells[0].temperature > warm + 0.5
    assert abs(battery.cells[1].temperature - 19) < abs(cool - 19)


def test_the_air_warms_and_cools() -> None:
    """After two hours in a cold cellar it is nearly as cold as the cellar."""
    battery = Battery(4, surroundings=around())
    battery.surroundings.ambient = 5.0
    battery.advance(2 * HOUR)
    assert all(4.5 < cell.temperature < 6 for cell in battery.cells)


def test_refused_currents_do_not_flow() -> None:
    """What the BMS does not allow is zero."""
    battery = Battery(4)
    battery.charge_allowed = battery.load_allowed = False
    battery.advance(HOUR)
    assert (battery.charge_current, battery.load_current, battery.current) == (0, 0, 0)


@pytest.mark.parametrize(("charge", "load"), [(False, True), (True, False), (False, False)])
def test_a_combined_device_stands_still_unless_it_may_do_both(charge: bool, load: bool) -> None:
    """Its relays are in series: when either is open nothing flows in or out (protocol.md 11.8)."""
    battery = Battery(4)
    battery.surroundings.is_combined = True
    battery.advance(10)
    assert battery.charge_current > 0 and battery.load_current > 0
    battery.charge_allowed, battery.load_allowed = charge, load
    battery.advance(10)
    assert (battery.charge_current, battery.load_current) == (0, 0)


def test_constant_current_then_constant_voltage() -> None:
    """A charger of 70 A and 3.5 V per cell: 70 A at first, then 14.0 V and less and less."""
    battery = Battery(
        4, state_of_charge=0.9, surroundings=around(charger=Charger(current=70, end_voltage=3.5))
    )
    battery.balance_voltage = 9.9
    course = []
    for _ in range(60):
        battery.advance(60)
        course.append((battery.charge_current, battery.voltage))
    assert course[0][0] == course[10][0] == 70
    assert all(voltage < 14.03 for _, voltage in course)
    assert course[-1][0] < 2
    assert course[-1][1] == pytest.approx(14.0, abs=0.02)


def test_the_end_voltage_is_not_overshot() -> None:
    """Even half the capacity an hour into the steep end of the curve: nothing above but noise."""
    charger = Charger(current=140, end_voltage=3.6)
    battery = Battery(4, state_of_charge=0.99, surroundings=around(charger=charger))
    battery.balance_voltage = 9.9
    for _ in range(120):
        battery.advance(10)
        assert battery.voltage < 14.43
    assert battery.voltage == pytest.approx(14.4, abs=0.02)


def test_the_sun_has_an_end_voltage_too() -> None:
    """An MPPT holds 3.435 V per cell and does not boil the battery, however strong the sun."""
    battery = Battery(16, state_of_charge=0.97, surroundings=around(solar_peak=6000))
    highest = 0.0
    for _ in range(180):
        battery.advance(10)
        highest = max(highest, battery.voltage)
    assert battery.voltage == pytest.approx(54.96, abs=0.04)
    assert highest < 55.1
    assert battery.charge_current < 5


def test_beside_a_higher_charger_the_sun_has_nothing_to_do() -> None:
    """What a charger of 3.6 V has filled is too high for the end voltage of the sun."""
    charger = Charger(current=100, end_voltage=3.6)
    battery = Battery(16, state_of_charge=0.985, surroundings=around(solar_peak=3000, charger=charger))
    for _ in range(6):
        battery.advance(10)
        assert battery.charge_current == 100
    assert battery.voltage > 55


def test_the_load_at_the_end_voltage_is_carried_by_the_charger() -> None:
    """At the end voltage the house gets what it needs, and the battery gives nothing."""
    battery = Battery(16, state_of_charge=0.99, surroundings=around(solar_peak=6000, load_peak=8000))
    battery.balance_voltage = 9.9
    battery.advance(HOUR / 2)
    assert battery.load_current > 10
    assert abs(battery.current) < 3


def test_upper_knee() -> None:
    """A battery that is charged without end climbs over 3.6 V a cell."""
    forced = around(charger=Charger(current=100, end_voltage=9.9))
    battery = Battery(4, state_of_charge=0.95, surroundings=forced)
    battery.balance_voltage = 9.9
    battery.advance(HOUR)
    assert all(cell.voltage > 3.6 for cell in battery.cells)
    assert battery.state_of_charge > 1


def test_lower_knee() -> None:
    """A battery that is emptied without end falls below 2.5 V a cell, and the pack stays positive."""
    battery = Battery(4, state_of_charge=0.05, surroundings=around(load_peak=2000))
    battery.advance(12 * HOUR)
    assert all(1.5 < cell.voltage < 2.5 for cell in battery.cells)
    assert battery.state_of_charge < 0


def test_other_chemistries() -> None:
    """Half full they are at their own voltages."""
    for chemistry, volts in ((Chemistry.LTO, 2.3), (Chemistry.NMC, 3.7), (Chemistry.NCA, 3.68)):
        battery = Battery(10, chemistry=chemistry, state_of_charge=0.5, surroundings=around())
        assert battery.voltage / 10 == pytest.approx(volts, abs=0.03)


def test_a_new_cell() -> None:
    """It is as good as the others, and as full."""
    battery = Battery(4, surroundings=around())
    battery.cells[2].capacity *= 0.5
    battery.cells[2].charge *= 0.4
    battery.cells[2].resistance = 0.01
    battery.replace_cell(2)
    cell = battery.cells[2]
    assert 274 < cell.capacity < 286
    assert cell.resistance < 0.001
    assert cell.state_of_charge == pytest.approx(battery.state_of_charge, abs=0.05)


def test_same_seed_same_life() -> None:
    """Two batteries of one seed are alike to the last digit; another seed is another battery."""
    lives = [Battery(8, seed=seed) for seed in (7, 7, 8)]
    for battery in lives:
        battery.advance(2 * HOUR)
    first, again, other = lives
    assert first.cells == again.cells
    assert first.cells != other.cells


def test_a_long_span_is_lived_in_short_steps() -> None:
    """An hour at once is the same as an hour in steps of ten seconds."""
    at_once, in_steps = Battery(4), Battery(4)
    at_once.advance(HOUR)
    for _ in range(360):
        in_steps.advance(10)
    assert at_once.cells == in_steps.cells
