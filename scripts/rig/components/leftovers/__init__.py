"""What the integration has left in Home Assistant's process, counted from within: the soak asks with an action."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
import gc
from pathlib import Path
import re
from typing import Any, Final

from habluetooth import get_manager

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "leftovers"
READ: Final = "read"
_OURS: Final = "smartbms"
# What belongs to one entry and has to go with it.
_KINDS: Final = frozenset(
    {
        "BrspUart",
        "Chronicle",
        "Client",
        "Fold",
        "InProcessClient",
        "NordicUart",
        "Session",
        "SmartBmsCoordinator",
        "Writer",
    }
)
_NUMBER: Final = re.compile(r"\d+")


def tasks() -> list[str]:
    """Return the tasks of ours that are not done."""
    described = (f"{task.get_name()} {task.get_coro()!r}" for task in asyncio.all_tasks())
    return [each for each in described if _OURS in each]


def timers(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Return the timers of ours that have yet to ring."""
    # There is no other way to see what an event loop has to do.
    scheduled: list[Any] = getattr(loop, "_scheduled", [])
    described = (
        f"{_module(timer._callback)} {timer!r}"  # noqa: SLF001
        for timer in scheduled
        if not timer.cancelled()
    )
    return [each for each in described if _OURS in each]


def _module(target: Any) -> str:
    """Return the module of what is called."""
    while isinstance(target, partial):
        target = target.func
    return str(getattr(target, "__module__", None))


def objects() -> list[str]:
    """Return the objects of ours that should have gone."""
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return sorted(f"{kind.__module__}.{kind.__name__}" for kind in kinds if _is_ours(kind))


def _is_ours(kind: type) -> bool:
    return kind.__name__ in _KINDS and kind.__module__.startswith(f"custom_components.{_OURS}")


def callbacks() -> list[str]:
    """Return what waits for the advertisement of one address; nobody else here does."""
    # Home Assistant's manager keeps them where nobody is meant to look.
    manager: Any = get_manager()
    index = manager._callback_index.address  # noqa: SLF001
    return [address for address, waiting in index.items() for _ in waiting]


def files() -> dict[str, int]:
    """Return how many files, sockets and pipes are open, by what they are."""
    return dict(Counter(_links()))


def _links() -> Iterator[str]:
    for descriptor in Path("/proc/self/fd").iterdir():
        # The directory itself is open as long as it is read.
        with suppress(OSError):
            link = descriptor.readlink()
            yield _NUMBER.sub("N", str(link)) if ":" in str(link) else link.name


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Answer with what there is."""

    async def read(_: ServiceCall) -> ServiceResponse:
        return {
            "tasks": [*tasks()],
            "timers": [*timers(hass.loop)],
            "objects": [*objects()],
            "callbacks": [*callbacks()],
            "files": {**await hass.async_add_executor_job(files)},
        }

    hass.services.async_register(DOMAIN, READ, read, supports_response=SupportsResponse.ONLY)
    return True
