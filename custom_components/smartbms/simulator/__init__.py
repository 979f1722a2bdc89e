"""A 123SmartBMS without a 123SmartBMS: battery, firmware and radio, speaking the wire protocol."""
