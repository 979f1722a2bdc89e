"""What a battery is connected to and where it stands: sun, charger, house, and the air around it."""

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random
from typing import Final

_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR
_COLDEST: Final = 5 * _HOUR
# LiFePO4: the balance voltage and 0.035 V, amid what the manuals advise (MAN6, MAN13).
END_VOLTAGE: Final = 3.435


@dataclass(slots=True, kw_only=True)
class Charger:
    """A charger on the mains: a constant current in A, then a constant voltage in V per cell."""

    current: float
    end_voltage: float = END_VOLTAGE


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """Peaks of sun and house in W, the end voltage per cell in V at which the sun's charger holds.

    `hob` is the share of the house's peak that goes on and off every minute and a half. The air has
    `ambient` degrees Celsius in the mean of the day, `swing` more in the afternoon and less before
    dawn. One that `is_combined` charges and discharges with the same device, which stands still
    unless it may do both. `time_of_day` is in seconds, and begins at half past nine.
    """

    solar_peak: float = 3000.0
    load_peak: float = 1800.0
    end_voltage: float = END_VOLTAGE
    charger: Charger | None = None
    hob: float = 0.0
    ambient: float = 19.0
    swing: float = 0.0
    is_combined: bool = False
    time_of_day: float = 9.5 * _HOUR

    def pass_time(self, seconds: float) -> None:
        """Let the clock on the wall go on."""
        self.time_of_day = (self.time_of_day + seconds) % _DAY

    @property
    def temperature(self) -> float:
        """The air around the battery in degrees Celsius, coldest at five in the morning."""
        return self.ambient - self.swing * cos((self.time_of_day - _COLDEST) / _DAY * 2 * pi)

    def sun(self, random: Random) -> float:
        """Return the sun in W: a bow from six to eighteen o'clock, with passing clouds."""
        height = sin((self.time_of_day / _HOUR - 6) / 12 * pi)
        clouds = 0.75 + 0.2 * sin(self.time_of_day / 47) + random.uniform(-0.05, 0.05)
        return self.solar_peak * max(height, 0.0) * clouds

    def house(self, random: Random) -> float:
        """Return the load in W: a base, a refrigerator, a hob, and something large now and then."""
        base = 0.08 + random.uniform(0.0, 0.02)
        refrigerator = 0.07 if self.time_of_day % 1500 < 600 else 0.0
        kettle = 0.8 if self.time_of_day % 4000 < 150 else 0.0
        hob = self.hob if self.time_of_day % 170 < 90 else 0.0
        return self.load_peak * (base + refrigerator + kettle + hob)
