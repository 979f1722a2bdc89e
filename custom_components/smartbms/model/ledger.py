"""The energies of one BMS as totals in Wh that only rise: what Home Assistant's energy dashboard wants.

A BMS has counters in Wh that restart at its own midnight and totals in whole kWh (protocol.md 4, E, M and
B), it is out of reach for hours, and its owner clears its counters. What follows from them for one energy
is an `Account`; what is not counted by the BMS is an `Integral`.

Whoever shows a total shows what has been saved: after a crash the ledger is the one that was saved, and
what was shown must not fall.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from ..bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, TotalsRecord
from .account import Account, Reading
from .integral import Integral, Moment


class Flow(StrEnum):
    """The energies: in by the charge side, out by the load side, into the battery and out of it."""

    COLLECTED = "collected"
    CONSUMED = "consumed"
    CHARGED = "charged"
    DISCHARGED = "discharged"


# These need a current sensor each; with one alone there is only the flow of the battery (MAN6).
_OF_SENSORS: Final = (Flow.COLLECTED, Flow.CONSUMED)
_NEW: Final = Account()
# The coarsest step of a current in A, and what a calculation leaves of it (protocol.md 4, U).
_STEP: Final = 0.126


@dataclass(frozen=True, slots=True)
class Ledger:
    """What has been counted of each energy.

    `has_both` says whether the BMS has both current sensors, `None` until it is known; `heard` is what the
    last records said of it.
    """

    accounts: Mapping[Flow, Account] = field(default_factory=lambda: MappingProxyType({}))
    integral: Integral = Integral()
    has_both: bool | None = None
    heard: tuple[bool, ...] = ()

    def seeing(
        self,
        pack: PackRecord | None,
        energy: EnergyRecord | None,
        totals: TotalsRecord | None,
        battery_energy: BatteryEnergyRecord | None,
        now: float,
    ) -> Self:
        """Return the ledger after a round of records, heard at a time in s since 1970.

        Each record is told once: what it says counts when the two after it confirm it, for a record has no
        checksum. `None` stands for one that did not come. Nothing that comes makes a total fall.
        """
        ledger = self if pack is None else self._hearing(pack)
        accounts = dict(self.accounts)
        clock = _clock(totals)
        readings = {
            Flow.COLLECTED: (energy and energy.collected_today, totals and totals.collected),
            Flow.CONSUMED: (energy and energy.consumed_today, totals and totals.consumed),
            Flow.CHARGED: (
                battery_energy and battery_energy.charged_today,
                battery_energy and battery_energy.charged,
            ),
            Flow.DISCHARGED: (
                battery_energy and battery_energy.discharged_today,
                battery_energy and battery_energy.discharged,
            ),
        }
        for flow, (day, total) in readings.items():
            if day is not None:
                reading = Reading(now, day, total, clock)
                accounts[flow] = accounts.get(flow, _NEW).after(reading, self._integrated(flow))
        ledger = replace(ledger, accounts=accounts)
        if pack is None or accounts.get(Flow.CHARGED, _NEW).counted is not None:
            return ledger
        return replace(ledger, integral=_integrated(ledger, pack, energy, now))

    def total(self, flow: Flow) -> float | None:
        """Return a total in Wh, which only rises; `None` where this BMS has no such flow, or not yet."""
        if flow in _OF_SENSORS and not self.has_both:
            return None
        account = self.accounts.get(flow, _NEW)
        return self._integrated(flow) if account.counted is None else account.counted

    def _hearing(self, pack: PackRecord) -> Self:
        """Return the ledger with what three records say of the current sensors."""
        heard = (*self.heard[-2:], pack.charge_current is not None and pack.load_current is not None)
        has_both = heard[0] if len(heard) == 3 and len(set(heard)) == 1 else self.has_both
        if has_both is self.has_both:
            return replace(self, heard=heard)
        # The stored energy and the difference of two counters are not to be compared.
        integral = self.integral._replace(reference=None)
        return replace(self, heard=heard, has_both=has_both, integral=integral)

    def _integrated(self, flow: Flow) -> float | None:
        """Return what has been integrated of a flow, once it is known that the BMS does not count it."""
        if flow in _OF_SENSORS or not self.integral.is_decided:
            return None
        return self.integral.charged if flow is Flow.CHARGED else self.integral.discharged

    def as_json(self) -> dict[str, object]:
        """Return what a later run has to know."""
        return {
            "accounts": {flow.value: account.as_json() for flow, account in self.accounts.items()},
            "integral": self.integral.as_json(),
            "has_both": self.has_both,
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return what an earlier run knew; nothing where it cannot be read."""
        if not isinstance(data, Mapping):
            return cls()
        stored, has_both = data.get("accounts"), data.get("has_both")
        accounts = stored if isinstance(stored, Mapping) else {}
        return cls(
            {flow: Account.from_json(accounts[flow.value]) for flow in Flow if flow.value in accounts},
            Integral.from_json(data.get("integral")),
            has_both if isinstance(has_both, bool) else None,
        )


def _integrated(ledger: Ledger, pack: PackRecord, energy: EnergyRecord | None, now: float) -> Integral:
    """Return the integral of a ledger with the power of the battery."""
    moment = Moment(
        now,
        pack.voltage,
        pack.battery_current,
        _is_sure(pack),
        energy and energy.stored,
        energy and energy.state_of_charge,
    )
    collected, consumed = (ledger.accounts.get(flow, _NEW).counted for flow in _OF_SENSORS)
    net = None if collected is None or consumed is None else collected - consumed
    return ledger.integral.after(moment, net, has_both=ledger.has_both)


def _is_sure(pack: PackRecord) -> bool:
    """Return whether the current of the battery is the difference of the sensors' (protocol.md 4, U)."""
    if pack.battery_current is None:
        return False
    difference = (pack.charge_current or 0.0) - (pack.load_current or 0.0)
    return abs(pack.battery_current - difference) <= _STEP


def _clock(totals: TotalsRecord | None) -> int | None:
    """Return the clock of the BMS in minutes of its day."""
    if totals is None or totals.hour is None or totals.minute is None:
        return None
    return totals.hour * 60 + totals.minute
