"""Every way to fail has a message of its own."""

from custom_components.smartbms.bms import errors


def test_keys() -> None:
    """No two errors share the message that explains them."""
    kinds = (errors.SmartBmsError, errors.RecordingError)
    keys = [kind.key for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, kinds)]
    keys += [fault.value for faults in (errors.HypothesisFault, errors.SettingFault) for fault in faults]
    assert len(set(keys)) == len(keys) == 30
