"""How a PIN could be spelt where it must not stand."""

import re


def spellings(pin: str) -> re.Pattern[bytes]:
    """Return what finds a PIN: as text, as a login, as codes of its characters; not in a longer number."""
    codes = pin.encode()
    texts = (
        rf"(?<![0-9A-Za-z.])(?:PW)?{pin}(?![0-9A-Za-z]|\.[0-9])",
        codes.hex(),
        codes.hex(" "),
        codes.hex(":"),
        ", ?".join(map(str, codes)),
        r"\\x".join(("", *(f"{code:02x}" for code in codes))),
        "".join(reversed([f"{code:02x}" for code in codes])),
    )
    return re.compile("|".join(texts).encode(), re.IGNORECASE)
