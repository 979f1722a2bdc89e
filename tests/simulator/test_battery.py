"""The simulated battery obeys physics, and the clock on the wall."""

import pytest

from custom_components.smartbms.simulator.battery import Battery, Energies, open_circuit_voltage

HOUR = 3600.0


@pytest.mark.parametrize(
    ("state_of_charge", "voltage"),
    [
        (-1.0, 2.00),
        (-0.02, 2.00),
        (0.0, 2.80),
        (0.025, 2.95),
        (0.05, 3.10),
        (0.45, 3.285),
        (0.90, 3.34),
        (1.0, 3.50),
        (1.01, 3.65),
        (1.02, 3.80),
        (2.0, 3.80),
    ],
)
def test_rest_voltage(state_of_charge: float, voltage: float) -> None:
    """A LiFePO4 cell is flat in the middle, with a knee at both ends, and nothing beyond."""
    assert open_circuit_voltage(state_of_charge) == pytest.approx(voltage)


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


def test_charge_is_conserved() -> None:
    """What a cell gains in Ah is what flowed, as long as nothing is balanced."""
    battery = Battery(4, state_of_charge=0.4, solar_peak=500)
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
    battery = Battery(2, solar_peak=0, load_peak=0)
    battery.cells[0].charge = battery.cells[0].capacity
    battery.advance(10)
    high, low = battery.cells[0].charge, battery.cells[1].charge
    warm, cool = battery.cells[0].temperature, battery.cells[1].temperature
    battery.advance(360)
    assert high - battery.cells[0].charge == pytest.approx(0.1)
    assert battery.cells[1].charge == low
    assert battery.cells[0].temperature > warm + 0.5
    assert abs(battery.cells[1].temperature - 19) < abs(cool - 19)


def test_energy_is_conserved() -> None:
    """Sun less house is what the battery took less what it gave, and volts times ampere-hours."""
    battery = Battery(16)
    energy = 0.0
    for _ in range(8640):
        voltage = battery.voltage
        battery.advance(10)
        energy += voltage * battery.current * 10 / 3600
    total = battery.total
    assert total.collected > 1000 and total.consumed > 1000
    assert total.charged > 0 and total.discharged > 0
    assert total.collected - total.consumed == pytest.approx(total.charged - total.discharged)
    assert total.charged - total.discharged == pytest.approx(energy, rel=0.001)


def test_refused_currents_do_not_flow() -> None:
    """What the BMS does not allow is zero, and so is its energy."""
    battery = Battery(4)
    battery.charge_allowed = battery.load_allowed = False
    before = (battery.total.collected, battery.total.consumed)
    battery.advance(HOUR)
    assert (battery.charge_current, battery.load_current, battery.current) == (0, 0, 0)
    assert (battery.total.collected, battery.total.consumed) == before


def test_upper_knee() -> None:
    """A battery that is charged without end climbs over 3.6 V a cell."""
    battery = Battery(4, state_of_charge=0.95, solar_peak=4000, load_peak=0)
    battery.balance_voltage = 9.9
    battery.advance(4 * HOUR)
    assert all(cell.voltage > 3.6 for cell in battery.cells)
    assert battery.state_of_charge > 1


def test_lower_knee() -> None:
    """A battery that is emptied without end falls below 2.5 V a cell, and the pack stays positive."""
    battery = Battery(4, state_of_charge=0.05, solar_peak=0, load_peak=2000)
    battery.advance(12 * HOUR)
    assert all(1.5 < cell.voltage < 2.5 for cell in battery.cells)
    assert battery.state_of_charge < 0


def test_a_day_of_sun() -> None:
    """The sun shines between six and eighteen o'clock and is strongest about noon."""
    battery = Battery(16, load_peak=0)
    by_hour: dict[int, float] = {}
    for _ in range(24):
        battery.advance(HOUR)
        by_hour[int(battery.time_of_day // HOUR)] = battery.charge_current * battery.voltage
    assert len(by_hour) == 24
    assert all(by_hour[hour] == 0 for hour in (18, 20, 23, 0, 3, 5))
    assert all(by_hour[hour] > 0 for hour in range(7, 18))
    assert by_hour[8] < by_hour[12] <= 3000
    assert battery.time_of_day == pytest.approx(9.5 * HOUR, abs=2)


def test_the_day_counters_begin_anew_at_midnight() -> None:
    """Today's energies are those since midnight; the totals go on."""
    battery = Battery(16)
    battery.advance(14.4 * HOUR)
    evening = battery.today.collected
    assert evening == battery.total.collected > 1000
    battery.advance(0.2 * HOUR)
    assert battery.today.collected == 0
    assert 0 < battery.today.consumed < 100
    assert battery.total.collected == evening


def test_energies_are_split_by_direction() -> None:
    """The battery takes what the sun gives more than the house needs, and gives what is missing."""
    energies = Energies()
    energies.add(collected=5, consumed=2)
    energies.add(collected=1, consumed=2)
    assert energies == Energies(collected=6, consumed=4, charged=3, discharged=1)


def test_same_seed_same_life() -> None:
    """Two batteries of one seed are alike to the last digit; another seed is another battery."""
    lives = [Battery(8, seed=seed) for seed in (7, 7, 8)]
    for battery in lives:
        battery.advance(2 * HOUR)
    first, again, other = lives
    assert first.cells == again.cells
    assert first.total == again.total
    assert first.cells != other.cells


def test_a_long_span_is_lived_in_short_steps() -> None:
    """An hour at once is the same as an hour in steps of ten seconds."""
    at_once, in_steps = Battery(4), Battery(4)
    at_once.advance(HOUR)
    for _ in range(360):
        in_steps.advance(10)
    assert at_once.cells == in_steps.cells
