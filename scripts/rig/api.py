"""A client of a running Home Assistant: its log-in, its REST calls and its websocket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import NotRequired, Self, TypedDict, cast

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse

from homeassistant.util.json import JsonObjectType, JsonValueType

ANSWER_TIMEOUT = 60.0
# Not everything worth waiting for shows in an event of Home Assistant's.
RECHECK_INTERVAL = 0.5
RENEW_TOKEN_BEFORE = 60.0
CONNECTION_LOST = "Home Assistant closed the connection"

CONFIG_ENTRIES = "/api/config/config_entries"
CONFIG_FLOW = f"{CONFIG_ENTRIES}/flow"
OPTIONS_FLOW = f"{CONFIG_ENTRIES}/options/flow"

# Together they tell of every change of a state, a registry, a config entry and a flow.
ANY_CHANGE: tuple[JsonObjectType, ...] = (
    {"type": "subscribe_events"},
    {"type": "config_entries/subscribe"},
    {"type": "config_entries/flow/subscribe"},
)


class ApiError(Exception):
    """Home Assistant refused, did not answer, or what was waited for did not happen."""


class LoginError(ApiError):
    """Home Assistant does not know this user with this password."""


class State(TypedDict):
    """The state of an entity."""

    entity_id: str
    state: str
    attributes: JsonObjectType
    last_changed: str
    last_updated: str


class Event(TypedDict):
    """An event of the event bus."""

    event_type: str
    data: JsonObjectType
    origin: str
    time_fired: str


class ConfigEntry(TypedDict):
    """A config entry, without its data."""

    entry_id: str
    domain: str
    title: str
    source: str
    state: str
    reason: str | None
    error_reason_translation_key: str | None
    disabled_by: str | None


class FlowContext(TypedDict):
    """What a flow is about."""

    source: str
    unique_id: NotRequired[str | None]
    entry_id: NotRequired[str]
    title_placeholders: NotRequired[dict[str, str]]


class Flow(TypedDict):
    """A flow that nobody has finished yet."""

    flow_id: str
    handler: str
    context: FlowContext
    step_id: NotRequired[str]


class FlowStep(TypedDict):
    """Where a flow stands: a form, a menu, an abort, a created entry and so on."""

    type: str
    flow_id: str
    handler: str
    step_id: NotRequired[str]
    data_schema: NotRequired[list[JsonObjectType] | None]
    description_placeholders: NotRequired[dict[str, str] | None]
    errors: NotRequired[dict[str, str] | None]
    menu_options: NotRequired[list[str] | dict[str, str]]
    progress_action: NotRequired[str]
    reason: NotRequired[str]
    title: NotRequired[str]
    # Only a config flow's: an options flow has nothing to create.
    result: NotRequired[ConfigEntry]


class EntityEntry(TypedDict):
    """An entity of the entity registry."""

    entity_id: str
    unique_id: str
    platform: str
    config_entry_id: str | None
    device_id: str | None
    name: str | None
    original_name: str | None
    translation_key: str | None
    entity_category: str | None
    disabled_by: str | None
    hidden_by: str | None


class DeviceEntry(TypedDict):
    """A device of the device registry."""

    id: str
    name: str | None
    name_by_user: str | None
    manufacturer: str | None
    model: str | None
    sw_version: str | None
    hw_version: str | None
    serial_number: str | None
    identifiers: list[list[str]]
    connections: list[list[str]]
    config_entries: list[str]
    via_device_id: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """What a log-in gives."""

    access: str
    refresh: str
    renew_at: float


class Socket:
    """The websocket of a Home Assistant that has accepted the access token."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        """Use a socket; `read` has to run for as long as it is used."""
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[JsonValueType]] = {}
        self._subscribers: dict[int, asyncio.Queue[JsonValueType]] = {}

    async def read(self) -> None:
        """Hand out what Home Assistant sends, until it closes the connection."""
        async for message in self._socket:
            self._handle(message.json())
        for answer in self._answers.values():
            answer.set_exception(ApiError(CONNECTION_LOST))
        for queue in self._subscribers.values():
            queue.shutdown()

    def _handle(self, message: JsonObjectType) -> None:
        number = cast(int, message["id"])
        if message["type"] == "event" and (queue := self._subscribers.get(number)):
            queue.put_nowait(message["event"])
        elif message["type"] == "result" and (answer := self._answers.get(number)):
            if message["success"]:
                answer.set_result(message["result"])
            else:
                error = cast(dict[str, str], message["error"])
                answer.set_exception(ApiError(f"{error['code']}: {error['message']}"))

    async def command(self, message: JsonObjectType) -> JsonValueType:
        """Send a command and return its result."""
        return await self._send(next(self._numbers), message)

    async def _send(self, number: int, message: JsonObjectType) -> JsonValueType:
        """Send at once: Home Assistant wants the numbers to rise, whoever sends meanwhile."""
        answer: asyncio.Future[JsonValueType] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._socket.send_json({"id": number, **message})
                return await answer
        except (ApiError, ClientError, TimeoutError) as err:
            raise ApiError(f"{message['type']}: {err or 'no answer'}") from err
        finally:
            del self._answers[number]

    @asynccontextmanager
    async def subscribe(self, *messages: JsonObjectType) -> AsyncIterator[asyncio.Queue[JsonValueType]]:
        """Give one queue with all that these subscriptions bring; it shuts down with the connection."""
        queue = asyncio.Queue[JsonValueType]()
        numbers: list[int] = []
        try:
            for message in messages:
                numbers.append(number := next(self._numbers))
                self._subscribers[number] = queue
                await self._send(number, message)
            yield queue
        finally:
            for number in numbers:
                del self._subscribers[number]
                with suppress(ApiError):
                    await self.command({"type": "unsubscribe_events", "subscription": number})


class Api:
    """Everything a test or a demo does with a Home Assistant."""

    def __init__(self, session: ClientSession, socket: Socket, token: Token, client_id: str) -> None:
        """Use an open session and websocket; see `connect`."""
        self._session = session
        self._socket = socket
        self._token = token
        self._client_id = client_id

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, user: str, password: str) -> AsyncIterator[Self]:
        """Log in as a person does, and stay connected until the context is left."""
        client_id = f"{url}/"
        async with ClientSession(url) as session:
            code = await _login(session, client_id, user, password)
            token = await _token(session, client_id, grant_type="authorization_code", code=code)
            async with session.ws_connect("/api/websocket", max_msg_size=0) as raw:
                await _authenticate(raw, token)
                socket = Socket(raw)
                reading = asyncio.create_task(socket.read(), name="Home Assistant websocket")
                try:
                    yield cls(session, socket, token, client_id)
                finally:
                    await raw.close()
                    await reading

    async def command(self, command: str, /, **parameters: JsonValueType) -> JsonValueType:
        """Send a websocket command and return its result."""
        return await self._socket.command({"type": command, **parameters})

    async def request(self, method: str, path: str, body: JsonValueType = None) -> JsonValueType:
        """Make a REST call and return what it answers."""
        if monotonic() > self._token.renew_at:
            refresh = self._token.refresh
            self._token = await _token(
                self._session, self._client_id, grant_type="refresh_token", refresh_token=refresh
            )
        headers = {"Authorization": f"Bearer {self._token.access}"}
        async with self._session.request(method, path, json=body, headers=headers) as response:
            if not response.ok:
                raise ApiError(f"{method} {path}: {response.status} {await response.text()}")
            return cast(JsonValueType, await response.json())

    async def states(self) -> dict[str, State]:
        """Return the states of all entities by entity id."""
        states = cast(list[State], await self.command("get_states"))
        return {state["entity_id"]: state for state in states}

    async def entities(self) -> list[EntityEntry]:
        """Return the entity registry."""
        return cast(list[EntityEntry], await self.command("config/entity_registry/list"))

    async def devices(self) -> list[DeviceEntry]:
        """Return the device registry."""
        return cast(list[DeviceEntry], await self.command("config/device_registry/list"))

    async def call_service(
        self, domain: str, service: str, *, target: JsonObjectType | None = None, **data: JsonValueType
    ) -> None:
        """Call a service and wait until it is done."""
        await self.command(
            "call_service", domain=domain, service=service, target=target or {}, service_data=data
        )

    def subscribe_events(self, event_type: str) -> AbstractAsyncContextManager[asyncio.Queue[Event]]:
        """Give a queue of the events of one type; it shuts down with the connection."""
        events = self._socket.subscribe({"type": "subscribe_events", "event_type": event_type})
        return cast(AbstractAsyncContextManager[asyncio.Queue[Event]], events)

    async def wait_for[T](self, predicate: Callable[[], Awaitable[T]], timeout: float, what: str) -> T:
        """Return the predicate's first truthy answer, asking anew whenever Home Assistant changes."""
        try:
            async with asyncio.timeout(timeout), self._socket.subscribe(*ANY_CHANGE) as changes:
                while not (found := await predicate()):
                    await _next_change(changes)
                return found
        except TimeoutError:
            raise ApiError(f"did not happen within {timeout:g} s: {what}") from None

    async def entries(self, domain: str) -> list[ConfigEntry]:
        """Return the config entries of an integration."""
        return cast(list[ConfigEntry], await self.command("config_entries/get", domain=domain))

    async def reload_entry(self, entry_id: str) -> None:
        """Reload a config entry."""
        await self.request("POST", f"{CONFIG_ENTRIES}/entry/{entry_id}/reload")

    async def delete_entry(self, entry_id: str) -> None:
        """Delete a config entry."""
        await self.request("DELETE", f"{CONFIG_ENTRIES}/entry/{entry_id}")

    async def flows_in_progress(self) -> list[Flow]:
        """Return the flows that no user started: what was discovered or wants reauthentication."""
        return cast(list[Flow], await self.command("config_entries/flow/progress"))

    async def start_flow(self, handler: str, *, entry_id: str | None = None) -> FlowStep:
        """Start the config flow of an integration; with an entry, its reconfigure flow."""
        about: JsonObjectType = {"entry_id": entry_id} if entry_id else {}
        return await self._flow("POST", CONFIG_FLOW, {"handler": handler, **about})

    async def flow(self, flow_id: str) -> FlowStep:
        """Return the step at which a config flow waits."""
        return await self._flow("GET", f"{CONFIG_FLOW}/{flow_id}")

    async def flow_step(self, flow_id: str, data: JsonObjectType) -> FlowStep:
        """Fill in the form at which a config flow waits."""
        return await self._flow("POST", f"{CONFIG_FLOW}/{flow_id}", data)

    async def abort_flow(self, flow_id: str) -> None:
        """Give up a config flow."""
        await self.request("DELETE", f"{CONFIG_FLOW}/{flow_id}")

    async def reauth_flow(self, entry_id: str, timeout: float = 10.0) -> FlowStep:
        """Wait for the reauthentication that an entry asks for, and return its step."""

        async def asked() -> Flow | None:
            flows = [flow for flow in await self.flows_in_progress() if _is_reauth(flow, entry_id)]
            return next(iter(flows), None)

        found = await self.wait_for(asked, timeout, f"entry {entry_id} asks for reauthentication")
        assert found is not None
        return await self.flow(found["flow_id"])

    async def start_options_flow(self, entry_id: str) -> FlowStep:
        """Start the options flow of a config entry."""
        return await self._flow("POST", OPTIONS_FLOW, {"handler": entry_id})

    async def options_flow_step(self, flow_id: str, data: JsonObjectType) -> FlowStep:
        """Fill in the form at which an options flow waits."""
        return await self._flow("POST", f"{OPTIONS_FLOW}/{flow_id}", data)

    async def _flow(self, method: str, path: str, body: JsonObjectType | None = None) -> FlowStep:
        return cast(FlowStep, await self.request(method, path, body))


def _is_reauth(flow: Flow, entry_id: str) -> bool:
    context = flow["context"]
    return context["source"] == "reauth" and context.get("entry_id") == entry_id


async def _next_change(changes: asyncio.Queue[JsonValueType]) -> None:
    try:
        async with asyncio.timeout(RECHECK_INTERVAL):
            await changes.get()
    except TimeoutError:
        return
    except asyncio.QueueShutDown:
        raise ApiError(CONNECTION_LOST) from None
    # One look answers for all the changes before it.
    while not changes.empty():
        changes.get_nowait()


async def _login(session: ClientSession, client_id: str, user: str, password: str) -> str:
    """Return the authorization code of a user."""
    path = "/auth/login_flow"
    start = {"client_id": client_id, "redirect_uri": client_id, "handler": ["homeassistant", None]}
    async with session.post(path, json=start, raise_for_status=True) as response:
        form = await response.json()
    fields = {"client_id": client_id, "username": user, "password": password}
    async with session.post(f"{path}/{form['flow_id']}", json=fields, raise_for_status=True) as response:
        step = await response.json()
    if step["type"] != "create_entry":
        raise LoginError(f"{user}: {step['errors']['base']}")
    return cast(str, step["result"])


async def _token(session: ClientSession, client_id: str, **grant: str) -> Token:
    fields = {"client_id": client_id, **grant}
    async with session.post("/auth/token", data=fields, raise_for_status=True) as response:
        token = await response.json()
    # A renewal does not repeat the refresh token.
    refresh = cast(str, token.get("refresh_token") or grant["refresh_token"])
    return Token(token["access_token"], refresh, monotonic() + token["expires_in"] - RENEW_TOKEN_BEFORE)


async def _authenticate(socket: ClientWebSocketResponse, token: Token) -> None:
    await socket.receive_json()
    await socket.send_json({"type": "auth", "access_token": token.access})
    if (await socket.receive_json())["type"] != "auth_ok":
        raise LoginError("the websocket refuses the access token")
