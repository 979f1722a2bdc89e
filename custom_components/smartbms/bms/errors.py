"""Every error of the domain; each names the message that explains it to a person."""

from collections.abc import Mapping
from enum import StrEnum
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


class FloodedError(ConnectionLostError):
    """The device said far more than a BMS can, so its connection was ended."""

    key = "flooded"


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


class NotVerifiedError(SmartBmsError):
    """The BMS answers, but the checksum of its settings never agrees, so none is changed."""

    key = "not_verified"


class PausedError(SmartBmsError):
    """The owner let go of the BMS for a while."""

    key = "paused"


class RecordingError(Exception):
    """A text is no recording; it keeps nobody from a BMS, so it is no `SmartBmsError`."""

    key: ClassVar[str] = "not_a_recording"


class NewerRecordingError(RecordingError):
    """A recording was made by a later version, in a form that is not known yet."""

    key = "newer_recording"


class EmptyRecordingError(RecordingError):
    """A recording has not even the version and one line of the stream, so it cannot stand for a BMS."""

    key = "empty_recording"


class HypothesisFault(StrEnum):
    """What can be wrong with one number of a hypothesis; the message of each in the translations."""

    UNKNOWN = "hypothesis_unknown"
    NOT_A_NUMBER = "hypothesis_not_a_number"
    CONTRADICTS = "hypothesis_contradicts"
    NEEDS_VOLTAGE = "hypothesis_needs_voltage"


class HypothesisError(Exception):
    """A hypothesis cannot be answered, because of one number that is named; no fault of any BMS."""

    def __init__(self, fault: HypothesisFault, quantity: str) -> None:
        """Name the fault and the quantity."""
        super().__init__(f"{fault.value}: {quantity}")
        self.key = fault.value
        self.placeholders = {"quantity": quantity}


class SettingFault(StrEnum):
    """Why a setting is not written; the message of each, with its placeholders, in the translations."""

    MISSING = "setting_missing"
    UNCONFIRMED = "setting_unconfirmed"
    NAMED_TWICE = "setting_named_twice"
    NOT_ENCODABLE = "setting_not_encodable"
    NOT_SANE = "setting_not_sane"
    NOT_A_CODE = "setting_not_a_code"
    VOLTAGE_ORDER = "setting_voltage_order"
    HYSTERESIS = "setting_hysteresis"
    TEMPERATURE_ORDER = "setting_temperature_order"
    RESTART_ORDER = "setting_restart_order"


class SettingRefusedError(Exception):
    """A change of a setting that must not be written; nothing was, and no BMS is at fault.

    In its placeholders a setting stands as its key in braces, for whoever knows what it is called.
    """

    def __init__(self, fault: SettingFault, placeholders: Mapping[str, str]) -> None:
        """Name the fault and what its message needs."""
        super().__init__(f"{fault.value}: {', '.join(placeholders.values())}")
        self.fault = fault
        self.key = fault.value
        self.placeholders = dict(placeholders)
