"""An event loop whose time passes only where nobody works: minutes in milliseconds."""

import asyncio
from collections.abc import Coroutine
from selectors import DefaultSelector, SelectorKey


class _Selector(DefaultSelector):
    """Never waits: the time it was to wait has passed when it returns. Threads and sockets are not for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Return what is ready now."""
        ready = super().select(0)
        if not ready:
            self.now += timeout or 0.0
        return ready


def run[T](work: Coroutine[object, object, T]) -> T:
    """Run some work to its end in virtual time, which begins at 0."""
    selector = _Selector()

    class Loop(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return selector.now

    with asyncio.Runner(loop_factory=lambda: Loop(selector)) as runner:
        return runner.run(work)
