"""What takes bytes from outside, each as a function of bytes that raises when something is wrong.

A target turns any bytes into what its part of the integration may meet, and asserts what has to hold then:
values in their range, "not known" never a number, the same however it is cut, and the same again after a
round through its own text.
"""

from collections.abc import Mapping
from typing import Final

from .fuzz_checks import Target
from .fuzz_stored import STORED_TARGETS
from .fuzz_wire import WIRE_TARGETS

TARGETS: Final[Mapping[str, Target]] = {target.name: target for target in (*WIRE_TARGETS, *STORED_TARGETS)}
