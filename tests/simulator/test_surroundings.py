"""Sun, house and air over a day."""

from random import Random

import pytest

from custom_components.smartbms.simulator.surroundings import Surroundings

HOUR = 3600.0


def at(hour: float, *, swing: float = 0.0, hob: float = 0.0) -> Surroundings:
    """Return the usual surroundings at an hour of the day."""
    return Surroundings(time_of_day=hour * HOUR, swing=swing, hob=hob)


@pytest.mark.parametrize("hour", [0, 3, 5.9, 18.1, 20, 23])
def test_no_sun_at_night(hour: float) -> None:
    """Before six and after eighteen o'clock."""
    assert at(hour).sun(Random(1)) == 0


@pytest.mark.parametrize(("hour", "low", "high"), [(7, 300, 1200), (9, 1000, 2500), (12, 1500, 3000)])
def test_sun_by_day(hour: float, low: float, high: float) -> None:
    """Strongest about noon, with clouds, and never beyond its peak."""
    assert all(low < at(hour + minute / 60).sun(Random(1)) <= high for minute in range(30))


@pytest.mark.parametrize(
    ("seconds", "hob", "low", "high"),
    [
        (700, 0.0, 144, 181),
        (100, 0.0, 1700, 1780),
        (300, 0.0, 270, 310),
        (300, 0.5, 270, 310),
        (350, 0.5, 1170, 1210),
    ],
)
def test_the_house(seconds: float, hob: float, low: float, high: float) -> None:
    """A base, a refrigerator, a kettle every hour or so, and a hob where somebody cooks."""
    assert low <= at(seconds / HOUR, hob=hob).house(Random(1)) <= high


@pytest.mark.parametrize(("hour", "temperature"), [(5, 16), (11, 19), (17, 22), (23, 19)])
def test_the_air(hour: float, temperature: float) -> None:
    """Coldest before dawn, warmest in the afternoon."""
    assert at(hour, swing=3.0).temperature == pytest.approx(temperature)


def test_an_even_cellar() -> None:
    """Without a swing it is always the same."""
    assert {at(hour).temperature for hour in range(24)} == {19.0}


def test_midnight() -> None:
    """The clock on the wall begins anew."""
    evening = at(23.5)
    evening.pass_time(HOUR)
    assert evening.time_of_day == 0.5 * HOUR
