"""What can go wrong when one byte of a setting is written, so that it can be tried at every byte."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """What happens instead of storing the byte and saying `OK`."""

    # It is echoed, but neither stored nor answered.
    LOST_BYTE = "lost_byte"
    # The byte is stored, its `OK` gets lost.
    LOST_ACKNOWLEDGEMENT = "lost_acknowledgement"
    # Another byte is stored and acknowledged.
    WRONG_BYTE = "wrong_byte"
    KO = "ko"
    NA = "na"
    # The connection ends before the byte is stored, or after.
    LINK_LOST_BEFORE = "link_lost_before"
    LINK_LOST_AFTER = "link_lost_after"
    # So does the power, and comes back.
    POWER_LOST_BEFORE = "power_lost_before"
    POWER_LOST_AFTER = "power_lost_after"

    @property
    def stores(self) -> bool:
        """Whether the byte, or another, is stored."""
        return self in _STORES


_STORES: Final = frozenset(
    {Fault.LOST_ACKNOWLEDGEMENT, Fault.WRONG_BYTE, Fault.LINK_LOST_AFTER, Fault.POWER_LOST_AFTER}
)


@dataclass(slots=True, kw_only=True)
class WriteFault:
    """A fault that begins with some write and lasts for some; counted from 0, from the moment it is set.

    `hang_up` ends the connection, which a firmware cannot do by itself.
    """

    fault: Fault
    at: int = 0
    times: float = 1
    hang_up: Callable[[], None] = lambda: None
    _heard: int = 0

    def next(self) -> Fault | None:
        """Return the fault of the write that is heard now."""
        heard, self._heard = self._heard, self._heard + 1
        return self.fault if self.at <= heard < self.at + self.times else None
