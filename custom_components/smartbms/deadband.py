"""Which changes of a measured value are worth a row of the recorder's database."""

from dataclasses import dataclass
from typing import Final

# Binary fractions leave dust: 3.315 less 3.3 is a little less than 0.015.
_DUST: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadband:
    """How far a value must move to be written, in its native unit.

    A move of `width`, or of the `share` of what is shown where that is more, is written with the next
    publication. A smaller one is written once what is shown is `patience` seconds old, so that what
    stays is right. One below `step`, the resolution of the device, is never written. With an infinite
    `width` a value is written at most once in `patience` seconds; with none each `step` at once.
    """

    step: float
    width: float = 0.0
    share: float = 0.0
    patience: float = 300.0

    def is_news(self, shown: float | None, value: float | None, age: float) -> bool:
        """Whether a value shall replace what is shown since `age` seconds; known and unknown always do."""
        if shown is None or value is None:
            return shown is not value
        moved = abs(value - shown) + _DUST
        return moved >= self.step and (
            age >= self.patience or moved >= max(self.width, self.share * abs(shown))
        )
