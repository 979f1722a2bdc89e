"""What the manuals say a 123SmartBMS should do: pure rules, no I/O."""
