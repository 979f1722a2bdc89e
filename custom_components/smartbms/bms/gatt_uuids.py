"""The characteristics of the two serial services over GATT (protocol.md 2)."""

from typing import Final

NORDIC_RX: Final = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NORDIC_TX: Final = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"

BRSP_INFO: Final = "99564a02-dc01-4d3c-b04e-3bb1ef0571b2"
BRSP_MODE: Final = "a87988b9-694c-479c-900e-95dfa6c00a24"
BRSP_RX: Final = "bf03260c-7205-4c25-af43-93b1c299d159"
BRSP_TX: Final = "18cda784-4bd3-4370-85bb-bfed91ec86af"
BRSP_CTS: Final = "0a1934f5-24b8-4f13-9842-37bb167c6aff"
BRSP_RTS: Final = "fdd6b4d3-046d-4330-bdec-1fd0c90cb43b"
BRSP_DATA_MODE: Final = 1
