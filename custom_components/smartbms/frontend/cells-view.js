/**
 * The templates of the card of the cells.
 *
 * @typedef {object} Tools
 * @property {import("./texts.js").Texts} text
 * @property {import("./formats.js").Formats} formats
 * @property {Record<string, string>} entities The entity ids by platform and key.
 * @property {(entityId: string) => void} open Shows more of an entity.
 * @property {(number: number) => void} find Brings a cell into view.
 *
 * @typedef {ReturnType<import("./cells.js").picture>} Picture
 */
import { STATES } from "./cells.js";
import { html, nothing } from "./lit.js";

/** With more cells than this they are tiles that scroll, not lines. */
export const MOST_LINES = 32;

const ICONS = Object.freeze({
  balancing: "mdi:scale-balance",
  outside: "mdi:alert",
  unknown: "mdi:help",
});
const MARKS = Object.freeze({ lowest: "▼", highest: "▲" });

/**
 * Something that the owner has to know.
 *
 * @param {"error" | "warning" | "info"} kind
 * @param {string} words
 */
export function notice(kind, words) {
  const icon = kind === "info" ? "mdi:information-outline" : "mdi:alert-circle-outline";
  return html`
    <div class="notice ${kind}" role=${kind === "error" ? "alert" : "status"}>
      <ha-icon icon=${icon}></ha-icon><span>${words}</span>
    </div>
  `;
}

/**
 * All that is known of the cells, and what is wrong with it.
 *
 * @param {import("./cells.js").Message} message
 * @param {Picture} drawn
 * @param {Tools} tools
 */
export function battery(message, drawn, tools) {
  const { text } = tools;
  const hasCells = drawn.cells.length > 0;
  return html`
    ${message.available ? nothing : outOfReach(message, tools)}
    ${message.chain_broken ? notice("error", text("card_chain_broken")) : nothing}
    ${hasCells || !message.available ? nothing : notice("info", text("card_no_cells"))}
    ${hasCells ? cells(message, drawn, tools) : nothing}
  `;
}

function outOfReach({ as_of }, { text, formats }) {
  const words =
    as_of === null ? text("card_never_heard") : text("card_out_of_reach", { age: formats.age(as_of) });
  return notice("warning", words);
}

function cells(message, drawn, tools) {
  const isCompact = drawn.cells.length > MOST_LINES;
  return html`
    ${summary(message, drawn, tools)} ${isCompact ? chart(drawn, tools) : nothing}
    <ul
      class="${isCompact ? "tiles" : "lines"} ${message.available ? "" : "old"}"
      role="list"
      aria-label=${tools.text("card_cells")}
      tabindex=${isCompact ? 0 : nothing}
    >
      ${drawn.cells.map((cell) => line(cell, tools))}
    </ul>
    ${legend(drawn, tools)}
  `;
}

function summary({ average, balance, v_min, v_max }, { lowest, highest, spread }, { text, formats }) {
  const { volts, millivolts } = formats;
  const name = (number) => (number === null ? nothing : html`<small>${text("card_cell", { number })}</small>`);
  const values = {
    card_average: volts(average),
    card_spread: millivolts(spread),
    card_balance_voltage: volts(balance),
    card_lowest: html`${volts(lowest.voltage)}${name(lowest.cell)}`,
    card_highest: html`${volts(highest.voltage)}${name(highest.cell)}`,
    card_range: html`${volts(v_min)}<br />${volts(v_max)}`,
  };
  return html`
    <dl class="summary">
      ${Object.entries(values).map(
        ([key, value]) => html`<div><dt>${text(key)}</dt><dd>${value}</dd></div>`,
      )}
    </dl>
  `;
}

/** All cells at a glance, where the list of them has to scroll; a bar brings its cell into view. */
function chart(drawn, { find }) {
  return html`
    <div class="chart" aria-hidden="true" @click=${({ target }) => find(target.dataset.cell)}>
      ${drawn.cells.map(
        ({ number, state, share }) =>
          html`<i class=${state} data-cell=${number} style="--share:${share}"></i>`,
      )}
    </div>
  `;
}

/** @param {import("./cells.js").Cell} cell */
function line(cell, { text, formats, entities, open }) {
  const { volts, deviation, degrees } = formats;
  const entityId = entities[`sensor.cell_${cell.number}_voltage`];
  const spoken = [
    text("card_cell", { number: cell.number }),
    volts(cell.voltage),
    deviation(cell.deviation),
    degrees(cell.temperature),
    text(`card_${cell.state}`),
    cell.extreme && text(`card_${cell.extreme}`),
  ];
  const body = html`
    <span class="spoken">${spoken.filter(Boolean).join(", ")}</span>
    <span class="number" aria-hidden="true">${cell.number}<b>${MARKS[cell.extreme]}</b></span>
    <span class="bar" aria-hidden="true"><i style="--share:${cell.share}"></i></span>
    <span class="deviation" aria-hidden="true">${deviation(cell.deviation)}</span>
    <span class="voltage" aria-hidden="true">${icon(cell.state)}${volts(cell.voltage)}</span>
    <span class="temperature ${cell.isTooWarmOrCold ? "outside" : ""}" aria-hidden="true">
      ${degrees(cell.temperature)}
    </span>
  `;
  return html`
    <li class=${cell.state} data-cell=${cell.number}>
      ${entityId === undefined
        ? html`<div>${body}</div>`
        : html`<button type="button" @click=${() => open(entityId)}>${body}</button>`}
    </li>
  `;
}

function legend({ counts, scale }, { text, formats }) {
  const states = STATES.filter((state) => state !== "unknown" || counts.unknown > 0);
  return html`
    <div class="legend">
      ${states.map(
        (state) => html`
          <span class=${state}>
            <i class="swatch"></i>${icon(state)}${text(`card_${state}`)}: ${counts[state]}
          </span>
        `,
      )}
      <span>${text("card_scale", { scale: formats.millivolts(scale) })}</span>
    </div>
  `;
}

function icon(state) {
  return state in ICONS ? html`<ha-icon icon=${ICONS[state]} aria-hidden="true"></ha-icon>` : nothing;
}
