"""Stand-ins for what surrounds the integration: a proxy, a Home Assistant, a demo."""
