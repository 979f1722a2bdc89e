/**
 * What there is to see in the cells of a battery. Pure: from what the BMS says to what is drawn.
 *
 * @typedef {[voltage: number | null, temperature: number | null, balancing: boolean | null]} Row
 *
 * @typedef {{voltage: number | null, cell: number | null}} Extreme
 *
 * @typedef {object} Message What `smartbms/subscribe_cells` tells; V and °C, null for what is not known.
 * @property {boolean} available
 * @property {string | null} as_of
 * @property {Row[]} cells
 * @property {number | null} v_min
 * @property {number | null} v_max
 * @property {number | null} t_min
 * @property {number | null} t_max
 * @property {number | null} balance
 * @property {number | null} average
 * @property {Extreme} lowest
 * @property {Extreme} highest
 * @property {boolean | null} chain_broken
 *
 * @typedef {"in_range" | "balancing" | "outside" | "unknown"} State
 *
 * @typedef {object} Cell One cell as it is drawn.
 * @property {number} number From 1.
 * @property {number | null} voltage In V.
 * @property {number | null} temperature In °C.
 * @property {State} state
 * @property {boolean} isTooWarmOrCold Whether its temperature is outside T min to T max.
 * @property {number | null} deviation From the average, in mV.
 * @property {number} share The deviation as a part of the scale, -1 to 1.
 * @property {"lowest" | "highest" | null} extreme
 */

/** In the order in which they matter to the owner. */
export const STATES = Object.freeze(["in_range", "balancing", "outside", "unknown"]);

/** Cells differ by the 5 mV steps of the device all the time; less than this would magnify nothing. */
const SMALLEST_SCALE = 10;
/** Within each power of ten; close enough for the largest bar to be long. */
const STEPS = Object.freeze([1, 1.5, 2, 3, 4, 6, 8]);
/** A scale stays until the largest bar is shorter than this part of it, so that it does not flicker. */
const SHORTEST_LARGEST = 0.3;

/**
 * The colour of a cell in the manufacturer's app: green in the safe range, yellow while balancing, red
 * outside. At V min and V max themselves the relays are opened already, so these are outside.
 *
 * @param {Row} row
 * @param {{v_min: number | null, v_max: number | null}} limits
 * @returns {State}
 */
export function stateOf([voltage, , balancing], { v_min, v_max }) {
  if (voltage === null) return "unknown";
  if ((v_min !== null && voltage <= v_min) || (v_max !== null && voltage >= v_max)) return "outside";
  return balancing ? "balancing" : "in_range";
}

/**
 * Whether a temperature is outside its range; one that is not known is not.
 *
 * @param {number | null} temperature
 * @param {{t_min: number | null, t_max: number | null}} limits
 */
export function isTooWarmOrCold(temperature, { t_min, t_max }) {
  if (temperature === null) return false;
  return (t_min !== null && temperature < t_min) || (t_max !== null && temperature > t_max);
}

/**
 * The deviation from the average in whole mV, null where one of the two is not known.
 *
 * @param {number | null} voltage
 * @param {number | null} average
 */
export function deviationOf(voltage, average) {
  return voltage === null || average === null ? null : Math.round((voltage - average) * 1000) + 0;
}

/**
 * The smallest of 10, 15, 20, 30, 40, 60, 80, 100, 150, ... mV into which the largest deviation fits.
 *
 * @param {number} largest In mV.
 * @param {number} previous The scale so far, 0 where there was none.
 */
export function scaleFor(largest, previous = 0) {
  if (previous > 0 && largest <= previous && largest >= previous * SHORTEST_LARGEST) return previous;
  for (let decade = SMALLEST_SCALE; ; decade *= 10) {
    for (const step of STEPS) {
      if (largest <= decade * step) return decade * step;
    }
  }
}

/**
 * The lowest and the highest cell and the spread in mV. What the BMS reports itself is younger than what
 * it has said of each cell, so once all cells are known they are asked, and nothing contradicts them.
 *
 * @param {Message} message
 * @returns {{lowest: Extreme, highest: Extreme, spread: number | null}}
 */
export function extremesOf({ cells, lowest, highest }) {
  const voltages = cells.map(([voltage]) => voltage);
  if (voltages.length > 0 && !voltages.includes(null)) {
    lowest = among(voltages, Math.min(...voltages), lowest.cell);
    highest = among(voltages, Math.max(...voltages), highest.cell);
  }
  return { lowest, highest, spread: deviationOf(highest.voltage, lowest.voltage) };
}

/** Of several equal cells it is the one that the BMS names. */
function among(voltages, voltage, named) {
  return { voltage, cell: voltages[named - 1] === voltage ? named : voltages.indexOf(voltage) + 1 };
}

/**
 * All that is drawn: the cells, the scale in mV that their bars have in common, and what sums them up.
 *
 * @param {Message} message
 * @param {number} previous The scale so far, 0 where there was none.
 * @returns {{cells: Cell[], scale: number, counts: Record<State, number>,
 *            lowest: Extreme, highest: Extreme, spread: number | null}}
 */
export function picture(message, previous = 0) {
  const deviations = message.cells.map(([voltage]) => deviationOf(voltage, message.average));
  const scale = scaleFor(Math.max(0, ...deviations.map(Math.abs)), previous);
  const extremes = extremesOf(message);
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  const cells = message.cells.map((row, index) => {
    const [voltage, temperature] = row;
    const state = stateOf(row, message);
    counts[state] += 1;
    return {
      number: index + 1,
      voltage,
      temperature,
      state,
      isTooWarmOrCold: isTooWarmOrCold(temperature, message),
      deviation: deviations[index],
      share: (deviations[index] ?? 0) / scale,
      extreme: markOf(index + 1, extremes),
    };
  });
  return { cells, scale, counts, ...extremes };
}

/** Which extreme a cell is; while all cells are equal none is one. */
function markOf(number, { lowest, highest }) {
  if (lowest.voltage === highest.voltage) return null;
  if (number === lowest.cell) return "lowest";
  return number === highest.cell ? "highest" : null;
}
