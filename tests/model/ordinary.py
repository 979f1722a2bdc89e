"""An ordinary day of a 4 kWh LiFePO4 pack, well inside all its limits."""

from custom_components.smartbms.model.relays import Extreme, Limits, Reading, Relays

# Full is below 5 % of the capacity, 200 W.
LIMITS = Limits(
    v_min=2.9,
    v_max=3.7,
    balance_voltage=3.4,
    t_min_charge=2,
    t_min_discharge=-10,
    t_max=60,
    charge_restart=95,
    discharge_restart=5,
    capacity=4000,
)
READING = Reading(
    lowest_voltage=Extreme(3.30, 2),
    highest_voltage=Extreme(3.31, 5),
    lowest_temperature=Extreme(20, 3),
    highest_temperature=Extreme(25, 4),
    state_of_charge=60,
    power=300,
)
OFF, ON = Relays(False, False), Relays(True, True)
