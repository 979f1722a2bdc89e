// What is drawn of the cells: literal numbers, as an owner would reckon them.
import assert from "node:assert/strict";
import test from "node:test";

import {
  deviationOf,
  extremesOf,
  isTooWarmOrCold,
  picture,
  scaleFor,
  stateOf,
} from "../../custom_components/smartbms/frontend/cells.js";

const LIMITS = { v_min: 2.9, v_max: 3.65, t_min: 2, t_max: 60 };
const MESSAGE = {
  ...LIMITS,
  available: true,
  as_of: null,
  cells: [[3.3, 19, false], [3.31, 19, false], [3.405, 61, true], [3.305, 19, false]],
  balance: 3.4,
  average: 3.33,
  lowest: { voltage: 3.3, cell: 1 },
  highest: { voltage: 3.405, cell: 3 },
  chain_broken: false,
};

test("a cell is green in range, yellow while balancing, red outside V min to V max", () => {
  assert.equal(stateOf([3.3, 19, false], LIMITS), "in_range");
  assert.equal(stateOf([3.41, 19, true], LIMITS), "balancing");
  assert.equal(stateOf([3.66, 19, true], LIMITS), "outside");
  assert.equal(stateOf([2.5, 19, false], LIMITS), "outside");
  assert.equal(stateOf([null, null, null], LIMITS), "unknown");
});

test("at V min and at V max the relays are off already, so the cell is red", () => {
  assert.equal(stateOf([2.9, 19, false], LIMITS), "outside");
  assert.equal(stateOf([3.65, 19, true], LIMITS), "outside");
});

test("while the thresholds are not known no cell is red", () => {
  assert.equal(stateOf([4.5, 19, null], { v_min: null, v_max: null }), "in_range");
});

test("a temperature outside T min to T max stands out", () => {
  assert.equal(isTooWarmOrCold(61, LIMITS), true);
  assert.equal(isTooWarmOrCold(1, LIMITS), true);
  assert.equal(isTooWarmOrCold(60, LIMITS), false);
  assert.equal(isTooWarmOrCold(null, LIMITS), false);
  assert.equal(isTooWarmOrCold(-40, { t_min: null, t_max: null }), false);
});

test("the deviation from the average is in whole mV", () => {
  assert.equal(deviationOf(3.315, 3.31031), 5);
  assert.equal(deviationOf(3.305, 3.31031), -5);
  assert.equal(Object.is(deviationOf(3.31, 3.3101), 0), true);
  assert.equal(deviationOf(null, 3.31), null);
  assert.equal(deviationOf(3.31, null), null);
});

test("the scale is a round number into which the largest deviation fits", () => {
  const scales = [0, 3, 10, 11, 16, 75, 100, 332, 1500].map((largest) => scaleFor(largest));
  assert.deepEqual(scales, [10, 10, 10, 15, 20, 80, 100, 400, 1500]);
});

test("the scale does not flicker while the largest deviation moves a little", () => {
  assert.equal(scaleFor(9, 20), 20);
  assert.equal(scaleFor(5, 20), 10);
  assert.equal(scaleFor(21, 20), 30);
});

test("the picture has all cells with what is special about them", () => {
  const drawn = picture(MESSAGE);
  assert.equal(drawn.scale, 80);
  assert.deepEqual(drawn.counts, { in_range: 3, balancing: 1, outside: 0, unknown: 0 });
  assert.deepEqual(drawn.cells[0], {
    number: 1,
    voltage: 3.3,
    temperature: 19,
    state: "in_range",
    isTooWarmOrCold: false,
    deviation: -30,
    share: -0.375,
    extreme: "lowest",
  });
  assert.deepEqual(drawn.cells[2], {
    number: 3,
    voltage: 3.405,
    temperature: 61,
    state: "balancing",
    isTooWarmOrCold: true,
    deviation: 75,
    share: 0.9375,
    extreme: "highest",
  });
  assert.equal(drawn.spread, 105);
});

test("two cells, of which one is not known yet", () => {
  const drawn = picture({
    ...MESSAGE,
    cells: [[3.3, 19, false], [null, null, null]],
    average: null,
    highest: { voltage: 3.405, cell: 2 },
  });
  assert.deepEqual(drawn.cells.map(({ state }) => state), ["in_range", "unknown"]);
  assert.deepEqual(drawn.cells.map(({ deviation }) => deviation), [null, null]);
  assert.deepEqual(drawn.cells.map(({ share }) => share), [0, 0]);
  assert.deepEqual(drawn.cells.map(({ extreme }) => extreme), ["lowest", "highest"]);
  assert.equal(drawn.counts.unknown, 1);
});

test("a chain that is broken leaves nothing that could be drawn wrongly", () => {
  const nothing = { voltage: null, cell: null };
  const drawn = picture({
    ...MESSAGE,
    cells: [[null, null, null], [null, null, null]],
    average: null,
    lowest: nothing,
    highest: nothing,
  });
  assert.deepEqual(drawn.cells.map(({ extreme }) => extreme), [null, null]);
  assert.equal(drawn.spread, null);
});

test("no cell at all", () => {
  const drawn = picture({ ...MESSAGE, cells: [], average: null });
  assert.deepEqual([drawn.cells, drawn.scale], [[], 10]);
});

test("255 cells are one picture, and a scale that was there is kept", () => {
  const cells = Array.from({ length: 255 }, (_, index) => [index % 2 ? 3.31 : 3.3, 19, false]);
  const drawn = picture({ ...MESSAGE, cells, average: 3.305 }, 10);
  assert.deepEqual([drawn.cells.length, drawn.scale, drawn.counts.in_range], [255, 10, 255]);
  assert.deepEqual([drawn.lowest, drawn.highest], [{ voltage: 3.3, cell: 1 }, { voltage: 3.31, cell: 2 }]);
});

test("the lowest and the highest are those that are seen to be", () => {
  // The BMS has heard cell 4 fall since, which shows only when its turn comes.
  const { lowest, highest, spread } = extremesOf({ ...MESSAGE, lowest: { voltage: 3.28, cell: 4 } });
  assert.deepEqual([lowest, highest, spread], [{ voltage: 3.3, cell: 1 }, { voltage: 3.405, cell: 3 }, 105]);
});

test("of equal cells it is the one that the BMS names", () => {
  const cells = [[3.3, 19, false], [3.31, 19, false], [3.3, 19, false]];
  const named = { ...MESSAGE, cells, lowest: { voltage: 3.3, cell: 3 }, highest: { voltage: 3.31, cell: 2 } };
  assert.deepEqual(extremesOf(named).lowest, { voltage: 3.3, cell: 3 });
});

test("while all cells are equal none is marked", () => {
  const cells = [[3.3, 19, false], [3.3, 19, false]];
  const equal = { voltage: 3.3, cell: 1 };
  const drawn = picture({ ...MESSAGE, cells, average: 3.3, lowest: equal, highest: equal });
  assert.deepEqual(drawn.cells.map(({ extreme }) => extreme), [null, null]);
});
