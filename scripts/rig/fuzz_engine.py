"""One target in the hands of atheris: `python -m scripts.rig.fuzz_engine TARGET FINDINGS [libFuzzer's arguments]`.

It goes on behind a finding: one input of each kind is kept in the folder FINDINGS, beside what was raised.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
import gc
from hashlib import sha256
from importlib import import_module
from pathlib import Path
import shlex
import sys
from time import thread_time
import traceback
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from .fuzz_checks import Target

# In s of our own thread, for one input.
LONGEST: Final = 0.010
# What is slow here need not be slow without the instruments of the fuzzer: `fuzz` looks again at these.
SLOW: Final = "slow-"
# Every input that is slow by so much more than the slowest before is kept.
_SLOWER: Final = 1.5
# So often, in executions, memory is looked at: how many blocks Python may hold more than at the first look.
_LOOK_EVERY: Final = 20_000
_MOST_BLOCKS: Final = 5_000


class _Atheris(Protocol):
    """What is used of atheris, which has no types and is not there for anything but this."""

    def instrument_imports(self, include: Sequence[str]) -> AbstractContextManager[None]: ...
    def Setup(self, args: Sequence[str], test_one_input: Callable[[bytes], None]) -> object: ...
    def Fuzz(self) -> None: ...


def timed(run: Callable[[bytes], None], data: bytes) -> float:
    """Return the seconds of our own thread that an input takes."""
    began = thread_time()
    run(data)
    return thread_time() - began


class Watch:
    """Runs a target and keeps what it finds: exceptions, slow inputs, growth."""

    def __init__(self, target: Target, folder: Path) -> None:
        """Begin with nothing found."""
        self.executions = 0
        self._run = target.run
        self._folder = folder
        self._kinds: set[object] = set()
        self._slowest = LONGEST
        self._blocks: int | None = None

    def __call__(self, data: bytes) -> None:
        """Run the target on one input."""
        self.executions += 1
        try:
            seconds = timed(self._run, data)
            # Once more, for the machine has others to serve and Python has garbage to collect.
            if seconds > self._slowest and (seconds := timed(self._run, data)) > self._slowest:
                self._slowest = seconds * _SLOWER
                self._keep(data, seconds, f"{seconds * 1000:.1f} ms\n", SLOW)
        except Exception as err:  # noqa: BLE001 - whatever it is, it is a finding
            frame = traceback.extract_tb(err.__traceback__)[-1]
            self._keep(data, (type(err), frame.filename, frame.lineno), traceback.format_exc())
        if self.executions % _LOOK_EVERY == 0:
            self._look(data)

    def _look(self, data: bytes) -> None:
        """Compare how many blocks of memory Python holds; the first time all caches are full."""
        gc.collect()
        blocks = sys.getallocatedblocks()
        self._blocks = blocks if self._blocks is None else self._blocks
        if blocks - self._blocks > _MOST_BLOCKS:
            self._keep(data, "growth", f"{blocks - self._blocks} blocks more than before\n")

    def _keep(self, data: bytes, kind: object, text: str, prefix: str = "") -> None:
        if kind in self._kinds:
            return
        self._kinds.add(kind)
        name = prefix + sha256(data).hexdigest()[:12]
        (self._folder / name).write_bytes(data)
        (self._folder / f"{name}.txt").write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Run from the command line; libFuzzer ends the process."""
    name, folder, *options = arguments
    atheris = cast(_Atheris, import_module("atheris"))
    with atheris.instrument_imports(include=["custom_components.smartbms"]):
        targets = import_module("scripts.rig.fuzz_targets").TARGETS
    # What has been imported is here to stay: collecting garbage shall not go through it every time.
    gc.collect()
    gc.freeze()
    # To merge, libFuzzer calls a shell with what stands for its own name here.
    itself = shlex.join([sys.executable, "-m", "scripts.rig.fuzz_engine", name, folder])
    atheris.Setup([itself, *options], Watch(targets[name], Path(folder)))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
