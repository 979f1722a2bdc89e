/** What the dashboard shows of a battery, in this order. A section without any card is left out. */
import {
  NO_VALUE,
  badge,
  cellVoltages,
  cells,
  findings,
  firstOf,
  given,
  graph,
  line,
  list,
  tile,
  toDevice,
  toEnergy,
} from "./cards.js";

/**
 * @typedef {object} Section
 * @property {string} title The key of a text.
 * @property {string} icon
 * @property {number} [span] How many columns of the view it takes, 1 where it is not given.
 * @property {import("./cards.js").Maker} [link] What is to be found elsewhere.
 * @property {import("./cards.js").Maker[]} cards
 */

const TREND = Object.freeze({ type: "trend-graph", hours_to_show: 24 });
const GAUGE = Object.freeze({ type: "bar-gauge", min: 0, max: 100 });
const DAY = Object.freeze({ type: "history-graph", hours_to_show: 24 });
const MONTH = Object.freeze({ type: "statistics-graph", days_to_show: 30 });
const HOURLY = Object.freeze({ ...MONTH, period: "hour" });
const DAILY = Object.freeze({ ...MONTH, period: "day", chart_type: "bar", stat_types: ["change"] });

/** Colours of Home Assistant's themes. */
const SUN = "amber";
const BATTERY = "teal";
const LOAD = "blue";

const IS_ON = Object.freeze({ state: "on" });
const IS_KNOWN = Object.freeze({ state_not: NO_VALUE });
const IS_BLOCKED = Object.freeze({ state_not: ["allowed", ...NO_VALUE] });

const EXTREMES = Object.freeze(["sensor.highest_cell_voltage", "sensor.lowest_cell_voltage"]);

/** What tells whether a battery is loaded: it is there without the BMS. */
export const PULSE = Object.freeze(["sensor.connection", "sensor.batteries_in_reach"]);

/** The five lamps of the BMS, by the names they have on its boards and in the app. */
const LAMPS = Object.freeze([
  ["binary_sensor.communication_error", "E"],
  ["binary_sensor.voltage_high", "Vh"],
  ["binary_sensor.voltage_low", "Vl"],
  ["binary_sensor.temperature_high", "Th"],
  ["binary_sensor.temperature_low", "Tl"],
]);
const AWAY = Object.freeze({ color: "orange", shown: { state_not: ["connected", ...NO_VALUE] } });
const MISSING = Object.freeze({ color: "red", shown: IS_ON });

/** The lamps, and what else is worth knowing at once. */
export const BADGES = Object.freeze([
  ...LAMPS.map(([key, label]) => badge(key, { label, color: "red" })),
  badge("binary_sensor.early_warning", { color: "orange", shown: IS_ON }),
  badge("binary_sensor.below_charge_temperature", { color: "orange", shown: IS_ON }),
  badge("binary_sensor.below_discharge_temperature", { color: "orange", shown: IS_ON }),
  badge("binary_sensor.battery_missing", MISSING),
  badge("sensor.connection", AWAY),
]);

const CHARGING_BLOCKED = tile("sensor.charging_blocked_by", { color: "orange", shown: IS_BLOCKED });
const DISCHARGING_BLOCKED = tile("sensor.discharging_blocked_by", { color: "orange", shown: IS_BLOCKED });

// Home Assistant's own colour of a battery is that of a remote control: two thirds full is orange.
const STATE_OF_CHARGE = tile("sensor.state_of_charge", { color: BATTERY, feature: GAUGE });

/** What stands for a battery among several. */
export const SUMMARY = Object.freeze([
  ...LAMPS.map(([key]) => tile(key, { color: "red", shown: IS_ON })),
  tile("binary_sensor.battery_missing", MISSING),
  tile("sensor.connection", AWAY),
  STATE_OF_CHARGE,
  tile("sensor.power", { color: BATTERY, feature: TREND }),
  CHARGING_BLOCKED,
  DISCHARGING_BLOCKED,
]);

/** @type {readonly Section[]} */
export const SECTIONS = Object.freeze([
  {
    title: "dashboard_source",
    icon: "mdi:solar-power",
    cards: [
      // With one current sensor nobody knows what comes from the sun and what goes to the load.
      given(
        "sensor.charge_power",
        tile("sensor.charge_power", { name: "dashboard_power", color: SUN, feature: TREND }),
        line(
          tile("sensor.charge_current", { name: "dashboard_current", color: SUN, icon: "mdi:current-dc" }),
          tile("sensor.collected_today", { name: "dashboard_today", color: SUN }),
          tile("sensor.collected_total", { name: "dashboard_total", color: SUN }),
        ),
      ),
      line(
        tile("binary_sensor.charge_allowed", { name: "dashboard_charge", color: "green" }),
        tile("binary_sensor.charge_relay", { color: "green" }),
      ),
      CHARGING_BLOCKED,
    ],
  },
  {
    title: "dashboard_battery",
    icon: "mdi:battery-high",
    cards: [
      STATE_OF_CHARGE,
      tile("sensor.predicted_state_of_charge", {
        feature: GAUGE,
        shown: { of: "sensor.state_of_charge", state: NO_VALUE },
      }),
      tile("binary_sensor.calibrated", { shown: { state: "off" } }),
      // Its own name says which way is positive.
      tile("sensor.power", { color: BATTERY, feature: TREND }),
      line(
        tile("sensor.current", { name: "dashboard_current", color: BATTERY }),
        tile("sensor.voltage", { name: "dashboard_voltage", color: BATTERY }),
        tile("sensor.stored_energy", { name: "dashboard_stored", color: BATTERY }),
      ),
      tile("sensor.time_to_full", { color: BATTERY, shown: IS_KNOWN }),
      tile("sensor.time_to_empty", { color: BATTERY, shown: IS_KNOWN }),
      line(
        tile("sensor.charged_today", { name: "dashboard_in_today", color: BATTERY }),
        tile("sensor.discharged_today", { name: "dashboard_out_today", color: BATTERY }),
      ),
    ],
  },
  {
    title: "dashboard_load",
    icon: "mdi:home-lightning-bolt",
    cards: [
      given(
        "sensor.load_power",
        tile("sensor.load_power", { name: "dashboard_power", color: LOAD, feature: TREND }),
        line(
          tile("sensor.load_current", { name: "dashboard_current", color: LOAD, icon: "mdi:current-dc" }),
          tile("sensor.consumed_today", { name: "dashboard_today", color: LOAD }),
          tile("sensor.consumed_total", { name: "dashboard_total", color: LOAD }),
        ),
      ),
      line(
        tile("binary_sensor.discharge_allowed", { name: "dashboard_discharge", color: "green" }),
        tile("binary_sensor.load_relay", { color: "green" }),
      ),
      DISCHARGING_BLOCKED,
    ],
  },
  {
    title: "dashboard_condition",
    icon: "mdi:heart-pulse",
    cards: [
      findings(),
      tile("binary_sensor.differs_from_manual", { color: "orange", shown: IS_ON }),
      tile("event.alarm", { shown: IS_KNOWN }),
      line(
        tile("sensor.lowest_temperature", { name: "dashboard_coldest" }),
        tile("sensor.highest_temperature", { name: "dashboard_warmest" }),
      ),
      list("dashboard_health", [
        "binary_sensor.calibrated",
        "sensor.state_of_health",
        "sensor.measured_capacity",
        "sensor.measured_charge_capacity",
        "sensor.charge_cycles",
        "sensor.discharge_cycles",
        "sensor.charge_efficiency",
      ]),
    ],
  },
  {
    title: "dashboard_cells",
    icon: "mdi:battery-sync",
    span: 2,
    cards: [
      firstOf(
        cells(),
        line(
          tile("sensor.lowest_cell_voltage"),
          tile("sensor.highest_cell_voltage"),
          tile("sensor.cell_voltage_spread"),
        ),
      ),
    ],
  },
  {
    title: "dashboard_day",
    icon: "mdi:chart-line",
    span: 3,
    cards: [
      graph("dashboard_cell_voltages", DAY, cellVoltages, EXTREMES),
      graph("dashboard_state_of_charge", DAY, ["sensor.state_of_charge"]),
      graph("dashboard_power", DAY, ["sensor.charge_power", "sensor.power", "sensor.load_power"]),
    ],
  },
  {
    title: "dashboard_month",
    icon: "mdi:chart-bar",
    span: 3,
    link: toEnergy(),
    cards: [
      graph("dashboard_cell_voltages", { ...HOURLY, stat_types: ["mean"] }, EXTREMES),
      graph("dashboard_spread", { ...HOURLY, stat_types: ["max", "mean"] }, ["sensor.cell_voltage_spread"]),
      graph(
        "dashboard_energy",
        DAILY,
        ["sensor.collected_total", "sensor.consumed_total"],
        ["sensor.charged_total", "sensor.discharged_total"],
      ),
    ],
  },
  {
    title: "dashboard_settings",
    icon: "mdi:tune-vertical",
    span: 3,
    link: toDevice(),
    cards: [
      list("dashboard_thresholds", [
        "number.v_max",
        "number.v_max_hysteresis",
        "number.v_nominal",
        "number.v_low",
        "number.v_min",
        "number.v_min_hysteresis",
        "sensor.balance_voltage",
        "number.t_max",
        "number.t_min_charge",
        "number.t_min_discharge",
      ]),
      list("dashboard_relays", [
        "select.charge_relay_function",
        "select.charge_relay_force",
        "switch.charge_relay_off",
        "switch.charge_relay_invert",
        "select.load_relay_function",
        "select.load_relay_force",
        "switch.load_relay_off",
        "switch.load_relay_invert",
      ]),
      list("dashboard_installation", [
        "select.chemistry",
        "number.capacity",
        "switch.use_measured_capacity",
        "switch.soc_voltage_correction",
        "number.full_sync_tail_current",
        "select.sensor_type",
        "number.solar_peak_power",
        "number.inverter_peak_power",
      ]),
      list("dashboard_charging", [
        "select.critical_mode",
        "number.charge_restart",
        "number.charge_restart_delay",
        "number.charge_pause_delay",
        "number.discharge_restart",
        "number.discharge_restart_delay",
        "number.discharge_pause_delay",
      ]),
      list("dashboard_connection", [
        "switch.pause",
        "sensor.connection",
        "sensor.batteries_in_reach",
        "sensor.last_contact",
        "sensor.signal_strength",
        "sensor.rejected_lines",
      ]),
      list("dashboard_simulation", ["select.scenario", "select.speed"]),
    ],
  },
]);
