"""Tests of the simulated BMS."""
