/** Numbers and times as whoever looks wants them: separators, degrees, language. */

/** Stands for what is not known. */
const UNKNOWN = "–";
const NARROW = "\u00a0";

/** The languages whose separators Home Assistant offers by name. */
const SEPARATORS = Object.freeze({
  comma_decimal: ["en-US", "en"],
  decimal_comma: ["de", "es", "it"],
  space_comma: ["fr", "sv", "cs"],
  quote_decimal: ["de-CH"],
  none: ["en-US", "en"],
});
const UNITS = Object.freeze([
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
]);

/**
 * @typedef {object} Formats
 * @property {(volts: number | null) => string} volts With three decimals.
 * @property {(millivolts: number | null) => string} millivolts Without a sign.
 * @property {(millivolts: number | null) => string} deviation With its sign.
 * @property {(celsius: number | null) => string} degrees In the unit of the house.
 * @property {(iso: string) => string} age As "5 minutes ago".
 */

/**
 * @param {{locale: {language: string, number_format: string},
 *          config: {unit_system: {temperature: string}}}} hass
 * @returns {Formats}
 */
export function formats({ locale, config }) {
  const separators =
    SEPARATORS[locale.number_format] ?? (locale.number_format === "system" ? undefined : locale.language);
  const number = (unit, digits, options = {}) => {
    const format = new Intl.NumberFormat(separators, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      useGrouping: false,
      ...options,
    });
    return (value) => (value === null ? UNKNOWN : `${format.format(value)}${NARROW}${unit}`);
  };
  const unit = config.unit_system.temperature;
  const temperature = number(unit, 0);
  const relative = new Intl.RelativeTimeFormat(locale.language, { numeric: "auto" });
  return {
    volts: number("V", 3),
    millivolts: number("mV", 0),
    deviation: number("mV", 0, { signDisplay: "exceptZero" }),
    degrees: (celsius) => temperature(celsius !== null && unit === "°F" ? celsius * 1.8 + 32 : celsius),
    age: (iso) => relative.format(...ageOf((Date.now() - Date.parse(iso)) / 1000)),
  };
}

/**
 * The age in the largest unit of which it is at least one, as `Intl.RelativeTimeFormat` takes it.
 *
 * @param {number} seconds
 * @returns {[number, string]}
 */
export function ageOf(seconds) {
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ["second", 1];
  return [-Math.max(0, Math.floor(seconds / length)), unit];
}
