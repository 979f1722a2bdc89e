"""What a session still has to write: wishes from outside, and writes that were never verified."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..bms.device import Generation
from ..bms.errors import ConnectionLostError, NoAnswerError, SmartBmsError
from ..bms.settings import SettingKey
from ..bms.writes import Change
from .client import Client
from .transaction import Check, Outcome, PendingWrite, Transaction, WriteStatus, settle

type OnPending = Callable[[tuple[PendingWrite, ...]], None]
# Key, old value, new value, and the value that the device holds now, in the unit of the setting.
type OnSettled = Callable[[SettingKey, float, float, float], None]
type OnSettings = Callable[[Mapping[SettingKey, float]], None]


@dataclass(frozen=True, slots=True)
class _Wish:
    changes: tuple[Change, ...]
    check: Check | None
    outcome: asyncio.Future[Outcome]


class Writer:
    """Takes wishes at any time and grants them when it is given a client whose stream is stopped.

    `pending` is what an earlier one left; `on_settings` gets what was read last.
    """

    def __init__(
        self,
        pending: Sequence[PendingWrite],
        *,
        on_pending: OnPending,
        on_settled: OnSettled,
        on_settings: OnSettings,
    ) -> None:
        """Have nothing to do but what is pending."""
        self.pending = tuple(pending)
        self._on_pending = on_pending
        self._on_settled = on_settled
        self._on_settings = on_settings
        self._wishes: list[_Wish] = []

    @property
    def is_due(self) -> bool:
        """Whether somebody waits for a write."""
        return any(not wish.outcome.done() for wish in self._wishes)

    def wish(self, changes: Sequence[Change], check: Check | None) -> asyncio.Future[Outcome]:
        """Take a wish; the outcome comes when it has been granted or refused."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._wishes.append(_Wish(tuple(changes), check, outcome))
        return outcome

    def refuse(self, error: SmartBmsError) -> None:
        """Refuse every wish, because there is no connection to wait for."""
        for wish in self._wishes:
            if not wish.outcome.done():
                wish.outcome.set_exception(error)
        self._wishes.clear()

    async def settle(self, client: Client, generation: Generation) -> None:
        """Settle what is pending; what cannot be read stays pending. Raises `ConnectionLostError`."""
        if not self.pending:
            return
        try:
            settled = await settle(client, generation, self.pending)
        except ConnectionLostError:
            raise
        except SmartBmsError:
            return
        self._set_pending(())
        for held in settled:
            if held.held is not None and not held.held == held.wanted == held.old:
                self._on_settled(held.key, held.old, held.wanted, held.held)

    async def write(self, client: Client, generation: Generation) -> None:
        """Grant every wish, one after the other.

        Raises `ConnectionLostError`, also when a write ended unclear: the next connection settles it.
        """
        while self._wishes:
            wish = self._wishes.pop(0)
            if wish.outcome.done():
                continue
            try:
                await self._grant(wish, client, generation)
            except Exception as err:
                if not wish.outcome.done():
                    wish.outcome.set_exception(err)
                if isinstance(err, ConnectionLostError):
                    raise
            finally:
                if not wish.outcome.done():
                    wish.outcome.set_exception(ConnectionLostError())

    async def _grant(self, wish: _Wish, client: Client, generation: Generation) -> None:
        await self.settle(client, generation)
        if self.pending:
            raise NoAnswerError

        def look(settings: Mapping[SettingKey, float]) -> None:
            self._on_settings(settings)
            if wish.check is not None:
                wish.check(settings)

        transaction = await Transaction.begin(client, generation, wish.changes, look)
        self._set_pending(transaction.writes)
        try:
            await transaction.perform()
        finally:
            self._conclude(wish, transaction)
        if self.pending:
            raise ConnectionLostError

    def _conclude(self, wish: _Wish, transaction: Transaction) -> None:
        """Tell how a write ended, or how it stood when it was cut off."""
        outcome = transaction.outcome()
        if outcome.status is not WriteStatus.UNCLEAR:
            self._set_pending(())
        self._on_settings(outcome.settings)
        if wish.outcome.done():
            return
        if outcome.status is WriteStatus.RESTORED and outcome.error and not transaction.was_written:
            wish.outcome.set_exception(outcome.error)
        else:
            wish.outcome.set_result(outcome)

    def _set_pending(self, pending: tuple[PendingWrite, ...]) -> None:
        if pending != self.pending:
            self.pending = pending
            self._on_pending(pending)
