"""Home Assistant looks here for custom integrations."""
