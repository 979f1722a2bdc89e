"""Current sensors as they are: with noise, an offset, and sometimes the wrong way round."""

from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True, kw_only=True)
class CurrentSensor:
    """One current sensor: `offset` and the peak of its `noise` in A, and whether it `is_reversed`."""

    offset: float = 0.0
    noise: float = 0.02
    is_reversed: bool = False
    _now: float = field(default=0.0, init=False)

    def flicker(self, random: Random) -> None:
        """Let time pass: the noise is another one."""
        self._now = random.uniform(-self.noise, self.noise)

    def read(self, current: float, steps: int, deadband: float) -> float:
        """Return a current in A as it is reported: in so many steps each ampere, 0 within the deadband."""
        seen = (-current if self.is_reversed else current) + self.offset + self._now
        return 0.0 if abs(seen) <= deadband else round(seen * steps) / steps


@dataclass(slots=True, kw_only=True)
class Sensors:
    """One sensor or two: sensor 1 for what comes in, sensor 2 for what goes out.

    Without sensor 2 sensor 1 shows the net current, positive when charging (protocol.md 11.8).
    """

    charge: CurrentSensor = field(default_factory=CurrentSensor)
    load: CurrentSensor | None = field(default_factory=CurrentSensor)

    def flicker(self, random: Random) -> None:
        """Let time pass."""
        for sensor in (self.charge, self.load):
            if sensor is not None:
                sensor.flicker(random)

    def read(
        self, charge: float, load: float, steps: int, deadband: float
    ) -> tuple[float, float, float | None]:
        """Return sensor 1, the battery current and sensor 2 in A; `None` for one that is absent."""
        if self.load is None:
            net = self.charge.read(charge - load, steps, deadband)
            return net, net, None
        first = self.charge.read(charge, steps, deadband)
        second = self.load.read(load, steps, deadband)
        # Both are whole steps, and so is their difference; binary fractions leave dust.
        return first, round(first - second, 3), second
