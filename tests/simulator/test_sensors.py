"""Current sensors as they are."""

from random import Random

import pytest

from custom_components.smartbms.simulator.sensors import CurrentSensor, Sensors


@pytest.mark.parametrize(
    ("current", "steps", "deadband", "reported"),
    [
        (10.02, 20, 0.15, 10.0),
        (10.03, 20, 0.15, 10.05),
        (-10.03, 20, 0.15, -10.05),
        (0.15, 20, 0.15, 0.0),
        (-0.15, 20, 0.15, 0.0),
        (0.16, 20, 0.15, 0.15),
        (10.03, 8, 1.25, 10.0),
        (10.07, 8, 1.25, 10.125),
        (1.25, 8, 1.25, 0.0),
    ],
)
def test_steps_and_deadband(current: float, steps: int, deadband: float, reported: float) -> None:
    """50 mA in generation 3, 125 mA in generation 2; a small current is seen as none (MAN2)."""
    assert CurrentSensor().read(current, steps, deadband) == reported


def test_an_offset() -> None:
    """A sensor that was not zeroed shows a current where there is none."""
    assert CurrentSensor(offset=0.4).read(0.0, 20, 0.15) == 0.4


def test_the_wrong_way_round() -> None:
    """What charges is shown as what discharges; the offset is the sensor's own."""
    assert CurrentSensor(is_reversed=True).read(10.0, 20, 0.15) == -10.0
    assert CurrentSensor(is_reversed=True, offset=0.5).read(10.0, 20, 0.15) == -9.5


def test_noise() -> None:
    """It flickers with time and not by being read, and less than half a step by itself."""
    sensor, random = CurrentSensor(), Random(1)
    seen = set()
    for _ in range(100):
        sensor.flicker(random)
        seen.add(sensor.read(10.02, 20, 0.15))
        assert sensor.read(10.02, 20, 0.15) in seen
    assert seen == {10.0, 10.05}


def test_two_sensors() -> None:
    """Battery current is sensor 1 less sensor 2 (protocol.md 11.4)."""
    assert Sensors().read(18.5, 2.0, 20, 0.15) == (18.5, 16.5, 2.0)
    assert Sensors().read(2.0, 18.55, 20, 0.15) == (2.0, -16.55, 18.55)


def test_one_sensor() -> None:
    """It goes on 1 and shows the net current, + charging (protocol.md 11.8); sensor 2 is absent."""
    alone = Sensors(load=None)
    assert alone.read(18.5, 2.0, 20, 0.15) == (16.5, 16.5, None)
    assert alone.read(2.0, 18.5, 20, 0.15) == (-16.5, -16.5, None)
    alone.flicker(Random(1))
    assert alone.read(0, 0, 20, 0.15) == (0, 0, None)
