"""What kinds of BMS there are, and what differs between them on the wire."""

from enum import Enum, IntEnum
from typing import Final

# What a cell can be: no board reaches 6 V, in counts of 5 mV; -99 to 200 degrees, in raw counts.
HIGHEST_CELL_VOLTAGE: Final = 1200
RAW_TEMPERATURES: Final = range(155, 505)


class Generation(IntEnum):
    """Hardware generation; it decides the current step and which records and blocks exist."""

    GEN2 = 2
    GEN3 = 3


class DeviceType(IntEnum):
    """Advertised device types that are a BMS (protocol.md 1)."""

    GEN2 = 2
    GEN3_BLUERADIOS = 4
    GEN3_RAYTAC = 6

    @property
    def generation(self) -> Generation:
        """The generation that carries this radio module."""
        return Generation.GEN2 if self is DeviceType.GEN2 else Generation.GEN3


class TemperatureScale(Enum):
    """How a raw temperature becomes degrees Celsius; the sources disagree (protocol.md 9).

    `APP` is what every piece of the manufacturer's software computes; `DOCUMENT` is what the
    manufacturer's serial protocol document says.
    """

    APP = "app"
    DOCUMENT = "document"

    def celsius(self, raw: int) -> float:
        """Return degrees Celsius of a raw reading."""
        return round(raw * 0.857 - 232.1, 1) if self is TemperatureScale.APP else float(raw - 276)

    def raw(self, celsius: float) -> int:
        """Return the raw reading nearest to degrees Celsius."""
        return round((celsius + 232.1) / 0.857) if self is TemperatureScale.APP else round(celsius) + 276
