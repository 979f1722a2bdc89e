"""Integrations that only the bench has."""
