"""Open-circuit voltages, held against the thresholds of the manuals."""

import pytest

from custom_components.smartbms.model.chemistry import Chemistry, advised
from custom_components.smartbms.model.profiles import ProfileKey
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.curves import CURVES


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
        (1.005, 3.65),
        (1.01, 3.80),
        (2.0, 3.80),
    ],
)
def test_rest_voltage(state_of_charge: float, voltage: float) -> None:
    """A LiFePO4 cell is flat in the middle, with a knee at both ends, and nothing beyond."""
    assert CURVES[Chemistry.LIFEPO4].at(state_of_charge)[0] == pytest.approx(voltage)


@pytest.mark.parametrize(
    ("state_of_charge", "slope"), [(-1.0, 0), (-0.01, 40), (0.45, 0.1), (0.95, 0.5), (1.005, 30), (1.2, 0)]
)
def test_slope(state_of_charge: float, slope: float) -> None:
    """By so many volts would a whole charge lift it here; beyond the ends by none."""
    assert CURVES[Chemistry.LIFEPO4].at(state_of_charge)[1] == pytest.approx(slope)


def test_every_chemistry_of_the_manuals() -> None:
    """All of them have a curve."""
    assert set(CURVES) == set(Chemistry) - {Chemistry.OTHER}


@pytest.mark.parametrize("chemistry", CURVES)
def test_the_thresholds_make_sense(chemistry: Chemistry) -> None:
    """V min within the last tenth, balance in the last twentieth, V max beyond full; always rising."""
    advice = advised(ProfileKey.GEN3_REV13, chemistry)
    assert advice is not None
    curve = CURVES[chemistry]
    assert curve.at(0.0)[0] < advice.v_min < curve.at(0.1)[0]
    assert curve.at(0.95)[0] < advice.balance_voltage < curve.at(1.0)[0] < advice.v_max
    assert all(curve.at(percent / 100)[1] > 0 for percent in range(101))


@pytest.mark.parametrize(
    ("chemistry", "energy"),
    [
        (Chemistry.LIFEPO4, 2560),
        (Chemistry.LTO, 1840),
        (Chemistry.NMC, 2960),
        (Chemistry.NCA, 2960),
        (Chemistry.LI_ION, 2960),
    ],
)
def test_nominal_energy(chemistry: Chemistry, energy: float) -> None:
    """Four LiFePO4 cells of 200 Ah are 4 x 200 x 3.2 = 2560 Wh (MAN6)."""
    assert Battery(4, capacity=200, chemistry=chemistry).nominal_energy == pytest.approx(energy)
