/** The words of the integration in the language of whoever looks. */

/**
 * @typedef {(key: string, placeholders?: Record<string, string | number>) => string} Texts
 */

/** The words that were asked for last; Home Assistant does not wait for a second asker. */
let language;
/** @type {Promise<Texts>} */
let asked;

/**
 * Load the words; once for each language, whoever asks.
 *
 * @param {object} hass Home Assistant, as every card has it.
 * @returns {Promise<Texts>} Gives the text of a key in the section `common` of the translations.
 */
export function texts(hass) {
  if (hass.language !== language) {
    language = hass.language;
    asked = load(hass);
  }
  return asked;
}

async function load(hass) {
  try {
    const localize = await hass.loadBackendTranslation("common", "smartbms");
    return (key, placeholders) => localize(`component.smartbms.common.${key}`, placeholders);
  } catch (error) {
    // Whoever asks next shall try again.
    language = undefined;
    throw error;
  }
}
