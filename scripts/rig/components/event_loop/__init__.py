"""How late Home Assistant's event loop is, measured from within: the bench asks with an action.

It sets itself an alarm a hundred times a second and notes how late each one is. What is not Home Assistant's
work is taken off: that the thread waited for a core, that the whole machine stood still. So are collections
of garbage, whose length is a matter of the size of Home Assistant; they are told apart.
"""

import asyncio
import gc
from math import ceil
import os
import threading
from time import perf_counter, process_time
from typing import Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "event_loop"
READ: Final = "read"
REST: Final = "rest"
COLLECT: Final = "collect"
INTERVAL: Final = 0.01
_NANOSECONDS: Final = 1e9


class Watch:
    """Notes how late the event loop is that it is made on; `lags` and `pauses` for garbage are in s."""

    def __init__(self) -> None:
        """Begin."""
        self.lags: list[float] = []
        self.pauses: list[float] = []
        self._loop = asyncio.get_running_loop()
        # The operating system tells a thread what it waited for, and nobody else.
        self._schedstat = os.open(
            f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY | os.O_CLOEXEC
        )
        self._collecting_since: float | None = None
        self._collected = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.go_on()

    def go_on(self) -> None:
        """Measure, unless that is being done."""
        if self._timer is None:
            gc.callbacks.append(self._note_garbage)
            self._set()

    def rest(self) -> None:
        """Measure no more until it shall go on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            gc.callbacks.remove(self._note_garbage)

    def stop(self) -> None:
        """Measure no more."""
        self.rest()
        os.close(self._schedstat)

    def _set(self) -> None:
        self._queued, self._worked, self._before = self._waited(), process_time(), self._garbage()
        self._due = self._loop.time() + INTERVAL
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        late = self._loop.time() - self._due - (self._waited() - self._queued)
        # Nobody was held up for longer than somebody worked.
        held_up = min(late, process_time() - self._worked) - (self._garbage() - self._before)
        self.lags.append(max(held_up, 0.0))
        self._set()

    def _waited(self) -> float:
        """Return how long the thread has been ready to run and had no core, in s."""
        _, waited, _ = os.pread(self._schedstat, 100, 0).split()
        return int(waited) / _NANOSECONDS

    def _garbage(self) -> float:
        """Return how long garbage has been collected, in s; another thread may be about to say that it is done."""
        since = self._collecting_since
        return self._collected + (0.0 if since is None else perf_counter() - since)

    def _note_garbage(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = perf_counter()
        elif self._collecting_since is not None:
            self.pauses.append(perf_counter() - self._collecting_since)
            self._collected += self.pauses[-1]
            self._collecting_since = None


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Begin to measure, until Home Assistant ends."""
    watch = Watch()

    @callback
    def stop(_: Event) -> None:
        watch.stop()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop)

    @callback
    def rest(_: ServiceCall) -> None:
        """Measure no more until asked again: whoever measures the work of the process would measure this too."""
        watch.rest()

    @callback
    def collect(_: ServiceCall) -> None:
        """Collect garbage, so that what is left is what is needed."""
        gc.collect()

    @callback
    def read(_: ServiceCall) -> ServiceResponse:
        """Return what was measured since this was asked last, in ms."""
        lags, watch.lags = sorted(watch.lags), []
        pauses, watch.pauses = watch.pauses, []
        watch.go_on()
        return {
            "count": len(lags),
            "p99": 1000 * lags[ceil(0.99 * len(lags)) - 1] if lags else 0.0,
            "longest": 1000 * lags[-1] if lags else 0.0,
            "longest_but_one": 1000 * lags[-2] if len(lags) > 1 else 0.0,
            "longest_collection": 1000 * max(pauses, default=0.0),
        }

    hass.services.async_register(DOMAIN, REST, rest)
    hass.services.async_register(DOMAIN, COLLECT, collect)
    hass.services.async_register(DOMAIN, READ, read, supports_response=SupportsResponse.ONLY)
    return True
