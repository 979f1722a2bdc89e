"""Tests of one connection to a BMS and of staying connected."""
