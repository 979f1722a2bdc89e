"""A real Home Assistant process on this machine, with the integration of this repository linked in."""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
import json
import os
from pathlib import Path
import shutil
import socket
import sys
import tempfile
from time import monotonic
from types import TracebackType
from typing import BinaryIO, Self, cast

import bcrypt

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION
from homeassistant.util.json import JsonObjectType

from .api import Api

HOST = "127.0.0.1"
USER = "demo"
PASSWORD = "demo"
INTEGRATION = Path(__file__).parents[2] / "custom_components" / "smartbms"

START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
CONNECT_INTERVAL = 0.05
LOG_LINES_IN_ERROR = 20

# `default_config` wants packages that only build with a toolchain, and the network.
CONFIGURATION = """\
homeassistant:
  name: Home
  country: NL
  currency: EUR
  time_zone: UTC
  unit_system: metric
automation: !include automations.yaml
bluetooth:
config:
diagnostics:
energy:
frontend:
history:
logbook:
"""

# A proxy, a Supervisor, a virtual environment or a coverage run of the caller must not reach the process.
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")

# Since then the storage file names the address to listen on, and YAML is only tried for some minutes.
HTTP_IN_STORAGE = (MAJOR_VERSION, MINOR_VERSION) >= (2026, 7)


class StartError(Exception):
    """Home Assistant did not start."""


class HomeAssistant:
    """A Home Assistant that listens on the loopback interface only.

    `async with HomeAssistant() as home_assistant` starts it, and leaves nothing behind. A directory of
    the caller's is kept, and what Home Assistant has stored there is used again.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        port: int | None = None,
        integration: Path = INTEGRATION,
        log_level: str = "warning",
        log_levels: Mapping[str, str] | None = None,
        progress: Callable[[str], None] = lambda text: None,
        companions: Sequence[Path] = (),
    ) -> None:
        """Describe a Home Assistant.

        `log_levels` are those of single loggers; `companions` are further integrations, which are set up.
        """
        self._keeps_directory = directory is not None
        self._directory = directory.absolute() if directory else None
        self._integration = integration.absolute()
        self._companions = [companion.absolute() for companion in companions]
        self._log_levels = {"default": log_level, "logs": dict(log_levels or {})}
        self._progress = progress
        self._process: asyncio.subprocess.Process | None = None
        self._connection = AsyncExitStack()
        self._api: Api | None = None
        self._last_log = ""
        self.port = port or _free_port()
        self.url = f"http://{HOST}:{self.port}"

    @property
    def directory(self) -> Path:
        """The configuration directory."""
        if self._directory is None:
            raise RuntimeError("Home Assistant has no directory before start and after stop")
        return self._directory

    @property
    def log_file(self) -> Path:
        """What Home Assistant printed, in all of its runs."""
        return self.directory / "output.log"

    @property
    def log(self) -> str:
        """The text of the log file; still there after `stop`."""
        return _read(self.log_file) if self._directory else self._last_log

    @property
    def api(self) -> Api:
        """The connection of the demo user; a new one after every start."""
        if self._api is None:
            raise RuntimeError("Home Assistant is not running")
        return self._api

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> Self:
        """Start it."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Stop it."""
        await self.stop()

    async def start(self) -> None:
        """Start the process and wait until Home Assistant is running."""
        began = monotonic()
        self._directory = self._directory or Path(tempfile.mkdtemp(prefix="home-assistant-"))
        self._configure(self._directory)
        self._progress(f"Home Assistant starts on {self.url}")
        self._process = await _spawn(self._directory, self.log_file)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._wait_for_http(self._process)
                self._progress(f"HTTP answers after {monotonic() - began:.1f} s")
                self._api = await self._connection.enter_async_context(Api.connect(self.url, USER, PASSWORD))
                await self._api.wait_for(self._is_running, START_TIMEOUT, "Home Assistant is running")
        except TimeoutError:
            raise self._start_error(f"not running after {START_TIMEOUT:g} s") from None
        self._progress(f"running after {monotonic() - began:.1f} s")

    async def terminate(self) -> None:
        """Shut Home Assistant down as a service manager does; the directory stays for the next start."""
        await self._end(asyncio.subprocess.Process.terminate)

    async def kill(self) -> None:
        """End the process as a power cut does; the directory stays for the next start."""
        await self._end(asyncio.subprocess.Process.kill)

    async def restart(self) -> None:
        """Shut down and start again: same directory, same port, a new `api`."""
        await self.terminate()
        await self.start()

    async def stop(self) -> None:
        """Shut down, and remove the directory unless it is the caller's."""
        await self.terminate()
        if self._directory and not self._keeps_directory:
            self._last_log = self.log
            shutil.rmtree(self._directory)
            self._directory = None

    async def _end(self, signal: Callable[[asyncio.subprocess.Process], None]) -> None:
        self._api = None
        await self._connection.aclose()
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        signal(process)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _configure(self, directory: Path) -> None:
        storage = directory / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        _store(storage, "http", 1, {"server_host": [HOST], "server_port": self.port})
        if not (storage / "onboarding").exists():
            steps = ["user", "core_config", "analytics", "integration"]
            _store(storage, "onboarding", 4, {"done": [*steps]})
            _store(storage, "auth_provider.homeassistant", 1, {"users": [_user()]})
        sections = [CONFIGURATION, f"logger: {json.dumps(self._log_levels)}\n"]
        if not HTTP_IN_STORAGE:
            sections.append(f"http: {{server_host: {HOST}, server_port: {self.port}}}\n")
        sections += [f"{companion.name}:\n" for companion in self._companions]
        (directory / "configuration.yaml").write_text("".join(sections), encoding="utf-8")
        # Whoever makes an automation writes it there.
        (directory / "automations.yaml").touch()
        for integration in (self._integration, *self._companions):
            _link(integration, directory / "custom_components")

    async def _wait_for_http(self, process: asyncio.subprocess.Process) -> None:
        # Nothing tells another process that a port listens; trying is cheap.
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(CONNECT_INTERVAL)
            else:
                writer.close()
                return
        raise self._start_error(f"exited with {process.returncode}")

    async def _is_running(self) -> bool:
        config = cast(JsonObjectType, await self.api.command("get_config"))
        if config["recovery_mode"]:
            raise self._start_error("went into recovery mode")
        return config["state"] == "RUNNING"

    def _start_error(self, what: str) -> StartError:
        tail = "\n".join(self.log.splitlines()[-LOG_LINES_IN_ERROR:])
        return StartError(f"Home Assistant {what}; it printed:\n{tail}")


async def _spawn(directory: Path, log_file: Path) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "homeassistant", "--config", str(directory))
    with _append(log_file) as log:
        return await asyncio.create_subprocess_exec(
            *command,
            # What is missing belongs into the requirements: a test installs nothing into its environment.
            "--skip-pip",
            "--log-no-color",
            # The repository's own `custom_components` must not hide the one in the directory.
            cwd=directory,
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            # An interrupt from the keyboard is for the caller, which then shuts Home Assistant down.
            start_new_session=True,
        )


def _append(log_file: Path) -> BinaryIO:
    return log_file.open("ab")


def _read(log_file: Path) -> str:
    return log_file.read_text(encoding="utf-8", errors="replace") if log_file.exists() else ""


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return cast(int, server.getsockname()[1])


def _store(storage: Path, key: str, version: int, data: JsonObjectType) -> None:
    content = {"version": version, "minor_version": 1, "key": key, "data": data}
    (storage / key).write_text(json.dumps(content), encoding="utf-8")


def _user() -> JsonObjectType:
    """Return the demo user; the first to log in becomes the owner."""
    # The cheapest hash there is: nothing here is worth protecting, and every log-in pays for it.
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4))
    return {"username": USER, "password": base64.b64encode(hashed).decode()}


def _link(integration: Path, components: Path) -> None:
    link = components / integration.name
    if (integration / "manifest.json").exists() and not link.exists():
        components.mkdir(exist_ok=True)
        link.symlink_to(integration)
