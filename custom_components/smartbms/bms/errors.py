"""Every error of the domain; each names the message that explains it to a person."""

from typing import ClassVar


class SmartBmsError(Exception):
    """Anything that keeps us from the BMS; `key` names its message in the translations."""

    key: ClassVar[str] = "cannot_connect"


class NotInReachError(SmartBmsError):
    """No adapter or proxy hears the BMS."""

    key = "not_in_reach"


class NoAdapterError(SmartBmsError):
    """There is no connectable Bluetooth adapter or proxy at all."""

    key = "no_adapter"


class NoFreeSlotError(SmartBmsError):
    """Every adapter and proxy in reach has its connections taken."""

    key = "no_free_slot"


class NotABmsError(SmartBmsError):
    """The device offers neither of the two serial services of a BMS, or not all of one."""

    key = "not_a_bms"


class ConnectionLostError(SmartBmsError):
    """The connection ended while something was under way."""

    key = "connection_lost"


class NoAnswerError(SmartBmsError):
    """The BMS is connected but does not answer."""

    key = "no_answer"


class PinRejectedError(SmartBmsError):
    """The BMS answered `NA`: the PIN is wrong, or none was given (protocol.md 3.2)."""

    key = "pin_rejected"


class CommandRejectedError(SmartBmsError):
    """The BMS refused a command it did authorise (`KO`, `WRONG` or a bell)."""

    key = "command_rejected"


class HeldElsewhereError(SmartBmsError):
    """Another integration holds the only connection of the BMS."""

    key = "held_by_bms_ble"
