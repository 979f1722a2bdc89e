"""Time that passes only where nobody works: hours in milliseconds, and in the same order every run."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from selectors import BaseSelector, SelectorKey
from typing import Any, cast
from unittest.mock import patch

# How long, really, to wait for a thread before looking again.
_MOMENT = 0.01


@contextmanager
def virtual(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let a loop's clock jump to its next timer whenever there is nothing to do.

    Threads of the executor and sockets are real: while an executor job is under way the clock
    stands. Clocks other than the loop's know nothing of this.
    """
    # The clock of a loop stands in its selector, which nothing public gives.
    selector: BaseSelector = cast(Any, loop)._selector  # noqa: SLF001
    poll, run_in_executor = selector.select, loop.run_in_executor
    now = loop.time()
    jobs = 0

    def job_done(_: object) -> None:
        nonlocal jobs
        jobs -= 1

    def start_job(*args: Any) -> asyncio.Future[Any]:
        nonlocal jobs
        job = run_in_executor(*args)
        jobs += 1
        job.add_done_callback(job_done)
        return job

    def select(timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        nonlocal now
        if timeout is None:
            return poll()
        if events := poll(min(timeout, _MOMENT) if jobs else 0):
            return events
        if not jobs:
            now += timeout
        return []

    with (
        patch.object(loop, "time", lambda: now),
        patch.object(loop, "run_in_executor", start_job),
        patch.object(selector, "select", select),
    ):
        yield


def run[T](work: Coroutine[object, object, T]) -> T:
    """Run some work to its end in virtual time."""
    with asyncio.Runner() as runner, virtual(runner.get_loop()):
        return runner.run(work)
