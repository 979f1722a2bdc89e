"""Talking to one BMS: GATT, one connection, and staying connected."""
