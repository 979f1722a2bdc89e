"""Every way to fail has a message of its own."""

from custom_components.smartbms.bms import errors


def test_keys() -> None:
    """No two errors share the message that explains them."""
    kinds: list[type[errors.SmartBmsError]] = [
        kind for kind in vars(errors).values() if isinstance(kind, type)
    ]
    assert len({kind.key for kind in kinds}) == len(kinds) > 8
