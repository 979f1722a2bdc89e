"""Tests of what the manuals say the BMS should do."""
