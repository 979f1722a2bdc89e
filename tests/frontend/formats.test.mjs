// Numbers and times as whoever looks has set them in the profile.
import assert from "node:assert/strict";
import test from "node:test";

import { ageOf, formats } from "../../custom_components/smartbms/frontend/formats.js";

const hass = (language, number_format, temperature = "°C") => ({
  locale: { language, number_format },
  config: { unit_system: { temperature } },
});

test("a voltage has three decimals and the separator of the language", () => {
  assert.equal(formats(hass("en", "language")).volts(3.3), "3.300\u00a0V");
  assert.equal(formats(hass("de", "language")).volts(3.3), "3,300\u00a0V");
});

test("the separator that was chosen counts more than the language", () => {
  assert.equal(formats(hass("de", "comma_decimal")).volts(3.3), "3.300\u00a0V");
  assert.equal(formats(hass("en", "decimal_comma")).volts(3.3), "3,300\u00a0V");
  assert.equal(formats(hass("en", "space_comma")).volts(3.3), "3,300\u00a0V");
  assert.equal(formats(hass("de", "none")).volts(3.3), "3.300\u00a0V");
  assert.match(formats(hass("en", "system")).volts(3.3), /^3[.,]300\u00a0V$/);
});

test("a deviation has its sign, a spread has none", () => {
  const { deviation, millivolts } = formats(hass("en", "language"));
  assert.deepEqual([deviation(5), deviation(-5), deviation(0)], ["+5\u00a0mV", "-5\u00a0mV", "0\u00a0mV"]);
  assert.equal(millivolts(1500), "1500\u00a0mV");
});

test("temperatures are in the unit of the house", () => {
  assert.equal(formats(hass("en", "language")).degrees(19.9), "20\u00a0°C");
  assert.equal(formats(hass("en", "language", "°F")).degrees(20), "68\u00a0°F");
});

test("what is not known is a dash", () => {
  const { volts, deviation, degrees } = formats(hass("en", "language", "°F"));
  assert.deepEqual([volts(null), deviation(null), degrees(null)], ["–", "–", "–"]);
});

test("an age is in the largest unit of which it is at least one", () => {
  assert.deepEqual(ageOf(0.2), [-0, "second"]);
  assert.deepEqual(ageOf(59), [-59, "second"]);
  assert.deepEqual(ageOf(60), [-1, "minute"]);
  assert.deepEqual(ageOf(7300), [-2, "hour"]);
  assert.deepEqual(ageOf(90000), [-1, "day"]);
});

test("clocks that differ make no age in the future", () => {
  assert.deepEqual(ageOf(-30), [-0, "second"]);
});

test("an age is said in the language of whoever looks", () => {
  const tenMinutesAgo = new Date(Date.now() - 600500).toISOString();
  assert.equal(formats(hass("en", "language")).age(tenMinutesAgo), "10 minutes ago");
  assert.equal(formats(hass("nl", "language")).age(tenMinutesAgo), "10 minuten geleden");
});
