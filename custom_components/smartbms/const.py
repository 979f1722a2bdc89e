"""Names and defaults of the integration."""

from typing import Final

DOMAIN: Final = "smartbms"
MANUFACTURER: Final = "123electric"

CONF_DEVICE_TYPE: Final = "device_type"
# The entries of the BMS that a bank is made of; no BMS has this.
CONF_MEMBERS: Final = "members"
CONF_SERIAL_NUMBER: Final = "serial_number"
CONF_SIMULATED_CELLS: Final = "simulated_cells"
EVENT_DEVICE_LOG: Final = "smartbms_device_log"
EVENT_SETTING_WRITTEN: Final = "smartbms_setting_written"
# Where in the configuration recordings and backups of settings are kept.
FOLDER: Final = "smartbms"

FACTORY_PIN: Final = "1234"
# With more cells than this, the entities of single cells are disabled until wanted.
MOST_CELLS_ENABLED: Final = 32
