"""Changing settings as one transaction: all of it verified, or nothing changed (protocol.md 6).

A word is two bytes and is not written at once, so until everything has been read back a write is
*pending*: whoever loses the BMS in between finds out at the next contact what it holds, and puts the
old value back unless the new one is there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from ..bms.device import Generation
from ..bms.errors import (
    CommandRejectedError,
    ConnectionLostError,
    NoAnswerError,
    PinRejectedError,
    SmartBmsError,
)
from ..bms.settings import SETTINGS, SettingKey
from ..bms.writes import Change, Step, plan
from .client import Client
from .image import Image, read_all, read_back

# How often the old values are put back before what the device holds is left to a person.
_RESTORES: Final = 2

# What a caller holds against the settings just read; it refuses by raising, what it likes.
type Check = Callable[[Mapping[SettingKey, float]], None]


class WriteStatus(StrEnum):
    """How a write ended."""

    # Read back: every changed field holds its new value, every other field its old one.
    VERIFIED = "verified"
    # The device held all of the values already; nothing was sent.
    UNCHANGED = "unchanged"
    # It did not work, and every field holds its old value again.
    RESTORED = "restored"
    # It did not work, and something differs or could not be read; what is pending is settled later.
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A setting that may hold its old value, its new one or a mixture, as counts on the wire.

    One that nobody wanted to change, but which an address that nobody has tried may belong to, has the
    same count twice.
    """

    key: SettingKey
    old_count: int
    new_count: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a setting held, was to hold, and holds now; in its unit, temperatures raw.

    `held` is `None` where the device could not be read. A setting that nobody wanted to change, but
    which changed, stands here with `wanted` equal to `old`.
    """

    key: SettingKey
    old: float
    wanted: float
    held: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a write; `settings` is everything as it was read last.

    `error` is what kept a write from being verified, and `None` where the device stored something else
    than it was given. `unnamed_differ` tells that a field differs which no row of the settings table
    describes: the PIN, or one that only newer firmware has.
    """

    status: WriteStatus
    changes: tuple[Held, ...]
    settings: Mapping[SettingKey, float]
    error: SmartBmsError | None = None
    unnamed_differ: bool = False


class Transaction:
    """One write, to be gone through once: `begin`, `perform`, `outcome`.

    `writes` is what becomes pending with the first byte and is none where nothing has to be sent;
    `was_written` tells whether the device acknowledged any byte, or held something else than before.
    """

    def __init__(self, client: Client, before: Image, changes: Sequence[Change]) -> None:
        """Prepare some changes, each of another setting, of a device that holds what was just read.

        Raises `NoAnswerError` when it did not tell one of the settings.
        """
        self.was_written = False
        self._client = client
        self._before = before
        self._after: Image | None = before
        self._error: SmartBmsError | None = None
        self._wanted = {change.key: SETTINGS[change.key].count(change.value) for change in changes}
        if not self._wanted.keys() <= before.counts.keys():
            raise NoAnswerError
        changed = tuple(
            PendingWrite(key, before.counts[key], count)
            for key, count in self._wanted.items()
            if count != before.counts[key]
        )
        self._plans = {write: _plan(write.key, write.old_count, write.new_count) for write in changed}
        # An address that nobody has confirmed may be any other setting's, so they are all at stake.
        bystanders = before.counts.keys() - self._wanted.keys() if _tried(changed) else ()
        self.writes = changed + tuple(
            PendingWrite(key, count, count) for key, count in before.counts.items() if key in bystanders
        )

    @classmethod
    async def begin(
        cls, client: Client, generation: Generation, changes: Sequence[Change], check: Check
    ) -> Self:
        """Read what the device holds now and let `check` look at it; raises for what nothing is written."""
        before = await read_all(client, generation)
        check(before.settings)
        return cls(client, before, changes)

    async def perform(self) -> None:
        """Write and read back; where that shows anything unexpected put everything back.

        Raises `ConnectionLostError`; whatever it raises, `outcome` tells the rest.
        """
        if not self._plans:
            return
        self._after = None
        try:
            await self._put()
            self._after = await read_back(self._client, self._before.blocks)
            self.was_written |= not self._after.covers(self._before)
            if not self._after.covers(self._expected):
                await self._restore(self._after)
        except ConnectionLostError as err:
            self._after, self._error = None, err
            raise
        except SmartBmsError as err:
            self._after, self._error = None, self._error or err

    def outcome(self) -> Outcome:
        """Return how it ended, or how it stands."""
        after, error = self._after, self._error
        if after is None:
            status, error = WriteStatus.UNCLEAR, error or ConnectionLostError()
        elif not self._plans:
            status = WriteStatus.UNCHANGED
        elif after.covers(self._expected):
            status, error = WriteStatus.VERIFIED, None
        elif after.covers(self._before):
            status = WriteStatus.RESTORED
        else:
            status = WriteStatus.UNCLEAR
        return Outcome(
            status=status,
            changes=tuple(self._held()),
            settings=(after or self._before).settings,
            error=error,
            unnamed_differ=after is not None and after.unnamed != self._before.unnamed,
        )

    @property
    def _expected(self) -> Image:
        return self._before.having(self._wanted)

    async def _put(self) -> None:
        """Write one setting after another, until one is not acknowledged or not what was read back."""
        expected = self._before
        last: PendingWrite | None = None
        for write, steps in self._plans.items():
            if last is not None:
                held = await read_back(self._client, [SETTINGS[last.key].block])
                if not expected.covers(held):
                    return
            try:
                for step in steps:
                    await self._client.write_byte(step)
                    self.was_written = True
            except (CommandRejectedError, NoAnswerError, PinRejectedError) as err:
                self._error = err
                return
            expected, last = expected.having({write.key: write.new_count}), write

    async def _restore(self, after: Image) -> None:
        """Put back what differs, and read again.

        An unconfirmed address that acknowledged its byte without showing it anywhere gets the old one.
        """
        writes = list(self._plans)
        tried = _tried_back(writes) if self.was_written else []
        for _ in range(_RESTORES):
            ways = list(_ways_back(self._before.counts, after.counts, writes)) or tried
            if not ways:
                return
            self._after = None
            await _send(self._client, ways)
            self._after = after = await read_back(self._client, self._before.blocks)
            if after.covers(self._before):
                return

    def _held(self) -> Iterator[Held]:
        """Yield what was to change, and what changed though it was not to."""
        old, after = self._before.counts, self._after
        now = {} if after is None else after.counts
        strays = [key for key in old if key not in self._wanted and now.get(key, old[key]) != old[key]]
        for key in (*self._wanted, *strays):
            yield _held(PendingWrite(key, old[key], self._wanted.get(key, old[key])), now.get(key))


async def settle(client: Client, generation: Generation, pending: Sequence[PendingWrite]) -> list[Held]:
    """Finish what an earlier connection left pending, or put it back; return what the device holds.

    Where all of it is there it is finished. Otherwise what is old and new in parts is put back; a value
    that the bytes of the write do not explain is left alone, because somebody chose it in the meantime.
    Raises like `read_all` and `read_back`, and `NoAnswerError` when one of the settings is not told.
    """
    image = await read_all(client, generation)
    counts = image.counts
    if not {write.key for write in pending} <= counts.keys():
        raise NoAnswerError
    if any(counts[write.key] != write.new_count for write in pending):
        old = {write.key: write.old_count for write in pending}
        writes = [write for write in pending if write.old_count != write.new_count]
        written = {
            step.byte for write in writes for step in _plan(write.key, write.old_count, write.new_count)
        }
        ours = {
            write.key: counts[write.key] for write in pending if _explains(written, write, counts[write.key])
        }
        await _send(client, _ways_back(old, {**old, **ours}, writes))
        image = await read_back(client, image.blocks)
    return [_held(write, image.counts[write.key]) for write in pending]


async def _send(client: Client, ways: Iterable[tuple[Step, ...]]) -> None:
    """Write the bytes of one setting after another; what is refused or not answered is read back anyway."""
    for steps in ways:
        with suppress(CommandRejectedError, NoAnswerError, PinRejectedError):
            for step in steps:
                await client.write_byte(step)


def _plan(key: SettingKey, old: int, new: int) -> tuple[Step, ...]:
    return plan(SETTINGS[key], old, new)


def _held(write: PendingWrite, count: int | None) -> Held:
    value = SETTINGS[write.key].value
    held = None if count is None else value(count)
    return Held(write.key, value(write.old_count), value(write.new_count), held)


def _tried(writes: Sequence[PendingWrite]) -> list[PendingWrite]:
    """Return the writes to addresses that nobody has confirmed, which may be another setting's."""
    return [write for write in writes if not SETTINGS[write.key].addresses]


def _tried_back(writes: Sequence[PendingWrite]) -> list[tuple[Step, ...]]:
    return [_plan(write.key, write.new_count, write.old_count) for write in _tried(writes)]


def _ways_back(
    old: Mapping[SettingKey, int], now: Mapping[SettingKey, int], writes: Sequence[PendingWrite]
) -> Iterator[tuple[Step, ...]]:
    """Yield the bytes that put back each setting that differs, last written first.

    What changed through an unconfirmed address, and has no address of its own, goes back through it.
    """
    written = [write.key for write in reversed(writes)]
    for key in dict.fromkeys((*written, *old)):
        if now.get(key, old[key]) == old[key]:
            continue
        if key in written or SETTINGS[key].addresses:
            yield _plan(key, now[key], old[key])
        else:
            for steps in _tried_back(writes):
                yield tuple(replace(step, byte=old[key]) for step in steps)


def _explains(written: Collection[int], write: PendingWrite, held: int) -> bool:
    """Return whether what a setting holds consists of bytes that it held before or that were written."""
    width = len(SETTINGS[write.key].write_addresses)
    pairs = zip(held.to_bytes(width), write.old_count.to_bytes(width), strict=True)
    return all(now == then or now in written for now, then in pairs)
