"""Current sensors that are the wrong way round, or not zero."""

from collections.abc import Iterator
from random import Random

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.model.diagnosis import FindingKey, Severity
from custom_components.smartbms.model.watches import Reversed

from .looks import BOTH_BLOCKED, found, seen, watched

REVERSED = FindingKey.CURRENT_SENSOR_REVERSED
NOT_ZERO = FindingKey.SENSOR_NOT_ZEROED


def house(
    looks: int, *, charge_sign: int = 1, load_sign: int | None = 1, noise: float = 0.01, seed: int = 1
) -> Iterator[Snapshot]:
    """Yield looks at a house with sun and loads that come and go, as its sensors show it.

    The pack has 16 mΩ, drifts up by 0.2 mV a look, and its voltage is noisy.
    """
    random, drift = Random(seed), 0.0
    for _ in range(looks):
        sun, load = random.choice((20, 24, 30, 33)), random.choice((3, 3, 5, 28))
        drift += 0.0002
        voltage = 52.8 + drift + 0.016 * (sun - load) + random.gauss(0, noise)
        if load_sign is None:
            yield seen(charge_sign * (sun - load), None, voltage=voltage)
        else:
            yield seen(charge_sign * sun, load_sign * load, voltage=voltage)


@pytest.mark.parametrize(
    ("charge_sign", "load_sign", "sensor"),
    [
        (1, -1, "load"),
        (-1, 1, "charge"),
        (-1, -1, "charge and load"),
        (-1, None, "battery"),
    ],
)
def test_a_reversed_sensor(charge_sign: int, load_sign: int | None, sensor: str) -> None:
    """Each of two, both, or the only one, within forty looks; and gone within forty of turning it."""
    looks = list(house(40, charge_sign=charge_sign, load_sign=load_sign))
    evidence = watched(looks)
    finding = found(evidence, looks[-1])[REVERSED]
    assert (finding.severity, finding.evidence) == (Severity.ERROR, {"sensor": sensor})
    turned = list(house(40, load_sign=None if load_sign is None else 1, seed=2))
    assert REVERSED not in found(watched(turned, evidence), turned[-1])


@pytest.mark.parametrize("load_sign", [1, None])
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.2])
def test_sensors_that_are_right(load_sign: int | None, noise: float) -> None:
    """Through 2000 looks, with as much noise as signal and more, nothing is found."""
    evidence = watched([])
    for look in house(2000, load_sign=load_sign, noise=noise, seed=3):
        evidence = watched([look], evidence)
        assert REVERSED not in found(evidence, look)


def test_neither_here_nor_there() -> None:
    """Six standard errors begin it, and what is between two and six changes nothing."""
    fit = watched(house(40)).steps
    for before, wrong, after in (
        (False, 5.9, False),
        (False, 6.1, True),
        (True, 2.1, True),
        (True, 1.9, False),
        (True, -9.0, False),
    ):
        assert Reversed(by_steps=before).after_step(fit, wrong).by_steps is after


def test_noise_alone_shows_nothing() -> None:
    """A voltage that does not follow the current at all accuses nobody."""
    random = Random(4)
    looks = [seen(random.choice((0, 20, 40)), voltage=52.8 + random.gauss(0, 0.05)) for _ in range(500)]
    assert REVERSED not in found(watched(looks), looks[-1])


def test_small_steps_tell_nothing() -> None:
    """Steps of less than 1 A, C/100 of the pack, drown in the resolution."""
    looks = [seen(20 + 0.4 * (number % 2), None, voltage=53.1 - 0.01 * (number % 2)) for number in range(100)]
    assert REVERSED not in found(watched(looks), looks[-1])


def test_looks_that_do_not_belong_together() -> None:
    """Hours apart, a step of the voltage has other reasons than the current."""
    looks = list(house(60, load_sign=-1))
    assert REVERSED not in found(watched(looks, step=7200), looks[-1])


def test_a_charge_sensor_that_reads_negative_while_the_voltage_rises() -> None:
    """The steady sun makes no steps; but what the sensor calls discharging raises the voltage."""
    looks = [seen(-20, 2, voltage=52.80 + 0.003 * number) for number in range(13)]
    evidence = watched(looks)
    assert found(evidence, looks[-1])[REVERSED].evidence == {"sensor": "charge"}
    assert REVERSED in found(watched([seen(0, 2)] * 20, evidence), seen(0, 2))
    assert REVERSED not in found(watched([seen(20, 2)], evidence), seen(20, 2))


def test_a_load_sensor_that_reads_negative_while_the_voltage_falls() -> None:
    """At night the load is counted as charging, and the voltage falls."""
    looks = [seen(0, -8, voltage=52.80 - 0.003 * number) for number in range(13)]
    assert found(watched(looks), looks[-1])[REVERSED].evidence == {"sensor": "load"}


@pytest.mark.parametrize(
    "looks",
    [
        # A charger that feeds in at the load's side: the voltage rises with what flows in.
        [seen(0, -8, voltage=52.80 + 0.003 * number) for number in range(30)],
        # The voltage falls because less flows in than at first.
        [seen(0, -8 + 0.2 * number, voltage=52.80 - 0.003 * number) for number in range(30)],
        # Not for long enough.
        [seen(0, -8, voltage=52.80 - 0.003 * number) for number in range(8)],
        # The voltage hardly moves.
        [seen(0, -8, voltage=52.80)] * 30,
        # Less than the sensor is trusted with.
        [seen(0, -0.5, voltage=52.80 - 0.003 * number) for number in range(30)],
    ],
)
def test_a_negative_current_that_has_a_reason(looks: list[Snapshot]) -> None:
    """Both sensors may read both ways; only what the voltage denies is wrong."""
    assert REVERSED not in found(watched(looks), looks[-1])


def test_a_sensor_that_is_not_zero() -> None:
    """Both relays are off, and the load sensor shows 1.2 A all the time; its blind spot is 0.15 A."""
    off = seen(0, 1.2, status=BOTH_BLOCKED)
    assert NOT_ZERO not in found(watched([off] * 11), off)
    evidence = watched([off] * 12)
    finding = found(evidence, off)[NOT_ZERO]
    assert finding.severity is Severity.WARNING
    assert finding.evidence == {"sensor": "load", "current": 1.2, "deadband": 0.15}
    # While current flows nobody can tell, so it stays; three looks with hardly any acquit it.
    assert NOT_ZERO in found(watched([seen(20, 5)] * 20, evidence), seen(20, 5))
    assert NOT_ZERO in found(watched([seen()] * 2, evidence), seen())
    assert NOT_ZERO not in found(watched([seen()] * 3, evidence), seen())


def test_a_single_sensor_that_is_not_zero() -> None:
    """It is the battery's."""
    off = seen(-0.6, None, status=BOTH_BLOCKED)
    assert found(watched([off] * 12), off)[NOT_ZERO].evidence == {
        "sensor": "battery",
        "current": -0.6,
        "deadband": 0.15,
    }


@pytest.mark.parametrize(
    "looks",
    [
        # Within the blind spot.
        [seen(0, 0.15, status=BOTH_BLOCKED)] * 20,
        # One relay is on.
        [seen(0, 1.2, status=0x02)] * 20,
        # The BMS says that a contact is closed, whatever is allowed.
        [seen(0, 1.2, status=BOTH_BLOCKED, status2=0x20)] * 20,
        # Nobody knows what is allowed.
        [seen(0, 1.2)] * 20,
        # It is no error of a sensor of 500 A any more, something flows.
        [seen(0, 12.0, status=BOTH_BLOCKED)] * 20,
        # It is not steady.
        [seen(0, 0.5 + 0.5 * (number % 2), status=BOTH_BLOCKED) for number in range(20)],
    ],
)
def test_a_current_that_is_no_offset(looks: list[Snapshot]) -> None:
    """Nothing is called an offset that may be a current."""
    assert NOT_ZERO not in found(watched(looks), looks[-1])


def test_a_sensor_that_no_manual_lists() -> None:
    """A sensor of type 11 is taken for as coarse as the coarsest one."""
    for current, is_found in ((0.3, False), (0.5, True)):
        off = seen(0, current, status=BOTH_BLOCKED, settings={SettingKey.SENSOR_TYPE: 11.0})
        assert (NOT_ZERO in found(watched([off] * 12), off)) is is_found
