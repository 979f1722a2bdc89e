"""Tests of the stand-ins that surround the integration."""
