"""The integration in a real Home Assistant, over the real protocol of a Bluetooth proxy."""
