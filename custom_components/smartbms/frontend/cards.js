/**
 * Home Assistant's own cards, made of the entities that a battery has. Pure: a maker gives the cards for
 * one battery, and none where the battery lacks what they would show.
 *
 * @typedef {object} Battery An entry as `smartbms/overview` tells of it: a BMS, or a bank of several.
 * @property {string | null} device_id
 * @property {string} name
 * @property {boolean} loaded
 * @property {number | null} cells 0 for a bank, null while it is not known.
 * @property {Record<string, string>} entities Entity ids by platform and key, as `sensor.voltage`.
 *
 * @typedef {object} Words
 * @property {import("./texts.js").Texts} text
 * @property {Record<string, string>} findings The title of each finding by its key, with `{cell}` for a cell.
 * @property {boolean} hasEnergy Whether Home Assistant's energy dashboard is set up.
 *
 * @typedef {object} Card The configuration of a card, as it would be written by hand.
 * @typedef {(battery: Battery, words: Words) => Card[]} Maker
 *
 * @typedef {object} Condition When a card is to be seen: while an entity has a state, or has it not.
 * @property {string} [of] The key of the entity; that of the card itself where it is not given.
 * @property {string | string[]} [state]
 * @property {string | string[]} [state_not]
 */

/** The lines of a section's grid are divided into so many columns. */
const COLUMNS = 12;
/** More small tiles than this in a line have their text below the icon. */
const MOST_BESIDE = 2;
/** A graph of more lines than this cannot be read; the extremes tell as much. */
const MOST_CELL_LINES = 16;

/** States of an entity that has no value. */
export const NO_VALUE = Object.freeze(["unavailable", "unknown"]);
/** The name of an entity without that of its device, which the view has as its title. */
const OWN_NAME = Object.freeze({ type: "entity" });
const CELL_VOLTAGE = /^sensor\.cell_(\d+)_voltage$/;

/**
 * A tile, as wide as its section; `name` is the key of a text.
 *
 * @param {string} key
 * @param {{name?: string, color?: string, icon?: string, feature?: object, shown?: Condition}} [options]
 * @returns {Maker}
 */
export function tile(key, { name, color, icon, feature, shown } = {}) {
  return ({ entities }, { text }) => {
    if (!(key in entities) || !((shown?.of ?? key) in entities)) return [];
    return [
      {
        type: "tile",
        entity: entities[key],
        name: name ? text(name) : OWN_NAME,
        grid_options: { columns: COLUMNS },
        ...(color && { color }),
        ...(icon && { icon }),
        ...(feature && { features: [feature] }),
        ...visible(entities, key, shown),
      },
    ];
  };
}

/**
 * A line that its tiles share evenly.
 *
 * @param {...Maker} makers
 * @returns {Maker}
 */
export function line(...makers) {
  return (battery, words) => {
    const tiles = makers.flatMap((make) => make(battery, words));
    const shared = {
      grid_options: { columns: COLUMNS / tiles.length },
      ...(tiles.length > MOST_BESIDE && { vertical: true }),
    };
    return tiles.map((one) => ({ ...one, ...shared }));
  };
}

/**
 * A badge of the view.
 *
 * @param {string} key
 * @param {{label?: string, color?: string, shown?: Condition}} options With a label it is a lamp, which
 *   shows its state by its colour alone.
 * @returns {Maker}
 */
export function badge(key, { label, color, shown }) {
  return ({ entities }) => {
    if (!(key in entities)) return [];
    return [
      {
        type: "entity",
        entity: entities[key],
        name: label ?? OWN_NAME,
        show_name: true,
        show_state: !label,
        ...(color && { color }),
        ...visible(entities, key, shown),
      },
    ];
  };
}

/**
 * Cards that mean something only where there is a certain entity.
 *
 * @param {string} key
 * @param {...Maker} makers
 * @returns {Maker}
 */
export function given(key, ...makers) {
  return (battery, words) => (key in battery.entities ? makers.flatMap((make) => make(battery, words)) : []);
}

/**
 * The first of some makers that has anything to show.
 *
 * @param {...Maker} makers
 * @returns {Maker}
 */
export function firstOf(...makers) {
  return (battery, words) => makers.map((make) => make(battery, words)).find((made) => made.length > 0) ?? [];
}

/**
 * The card of the cells; a bank has no cells of its own.
 *
 * @returns {Maker}
 */
export function cells() {
  return ({ device_id, cells: count }) =>
    device_id && count !== 0
      ? [{ type: "custom:smartbms-cells-card", device_id, grid_options: { columns: "full" } }]
      : [];
}

/**
 * What is wrong, in words; the titles come with the translations, and which of them apply with the state.
 *
 * @returns {Maker}
 */
export function findings() {
  const key = "sensor.findings";
  return ({ entities }, words) => {
    if (!(key in entities)) return [];
    const content = `{% set titles = ${JSON.stringify(words.findings)} %}
{% for finding in state_attr("${entities[key]}", "findings") or [] %}
<ha-alert alert-type="{{ {"notice": "info"}.get(finding.severity, finding.severity) }}">
{{- titles.get(finding.finding, finding.finding) | replace("{cell}", finding.cell | default("") | string) -}}
</ha-alert>
{% endfor %}`;
    const shown = { state_not: ["0", ...NO_VALUE] };
    return [{ type: "markdown", text_only: true, content, ...visible(entities, key, shown) }];
  };
}

/**
 * A graph of the first of some groups of entities of which there is any.
 *
 * @param {string} title The key of a text.
 * @param {object} options Of the card, with its type.
 * @param {...(string[] | ((entities: Record<string, string>) => string[]))} groups Keys, or what finds them.
 * @returns {Maker}
 */
export function graph(title, options, ...groups) {
  return ({ entities }, { text }) => {
    const present = (group) => group.filter((key) => key in entities);
    const found = groups
      .map((group) => (typeof group === "function" ? group(entities) : present(group)))
      .find((keys) => keys.length > 0);
    if (!found) return [];
    const lines = found.map((key) => ({ entity: entities[key], name: OWN_NAME }));
    return [{ ...options, title: text(title), entities: lines, grid_options: { columns: COLUMNS } }];
  };
}

/**
 * The voltage of every cell, where a graph can show them; else none.
 *
 * @param {Record<string, string>} entities
 * @returns {string[]}
 */
export function cellVoltages(entities) {
  const keys = Object.keys(entities).filter((key) => CELL_VOLTAGE.test(key));
  const number = (key) => Number(CELL_VOLTAGE.exec(key)[1]);
  return keys.length > MOST_CELL_LINES ? [] : keys.sort((one, other) => number(one) - number(other));
}

/**
 * A list of entities with their controls.
 *
 * @param {string} title The key of a text.
 * @param {string[]} keys
 * @returns {Maker}
 */
export function list(title, keys) {
  return ({ entities }, { text }) => {
    const present = keys.filter((key) => key in entities);
    const rows = present.map((key) => ({ entity: entities[key], name: OWN_NAME }));
    if (rows.length === 0) return [];
    return [
      {
        type: "entities",
        title: text(title),
        show_header_toggle: false,
        entities: rows,
        grid_options: { columns: COLUMNS },
      },
    ];
  };
}

/**
 * A button in a heading that leads to Home Assistant's energy dashboard, where there is one.
 *
 * @returns {Maker}
 */
export function toEnergy() {
  return (_, { text, hasEnergy }) =>
    hasEnergy ? [button(text("dashboard_energy_dashboard"), "mdi:lightning-bolt", "/energy")] : [];
}

/**
 * A button in a heading that leads to the device, which has whatever is not on the dashboard.
 *
 * @returns {Maker}
 */
export function toDevice() {
  return ({ device_id }, { text }) =>
    device_id ? [button(text("dashboard_device"), "mdi:devices", `/config/devices/device/${device_id}`)] : [];
}

function button(text, icon, path) {
  return { type: "button", text, icon, tap_action: { action: "navigate", navigation_path: path } };
}

/** @param {Record<string, string>} entities @param {string} key @param {Condition} [shown] */
function visible(entities, key, shown) {
  if (!shown) return {};
  const { of = key, ...states } = shown;
  return { visibility: [{ condition: "state", entity: entities[of], ...states }] };
}
