"""Tests of the integration; the folders are those of the rooms they test."""
