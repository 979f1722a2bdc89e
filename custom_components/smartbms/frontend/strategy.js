/** The dashboard of the integration, for the dialog that adds dashboards and for one line of YAML. */
import { dashboard } from "./dashboard.js";
import { texts } from "./texts.js";

const FINDING = /^component\.smartbms\.issues\.finding_(.*)\.title$/;

class SmartBmsDashboardStrategy extends HTMLElement {
  /** When one of these changes the dashboard is made anew: entities come as the BMS names them. */
  static registryDependencies = ["entities", "devices"];

  /** There is nothing to choose. */
  static noEditor = true;

  /**
   * @param {object} _config There is nothing in it but its type.
   * @param {object} hass Home Assistant, as every card has it.
   */
  static async generate(_config, hass) {
    const [batteries, text, findings, hasEnergy] = await Promise.all([
      hass.callWS({ type: "smartbms/overview" }),
      texts(hass),
      findingTitles(hass),
      isEnergySetUp(hass),
    ]);
    return dashboard(batteries, { text, findings, hasEnergy });
  }
}

/** The title of each finding in the language of whoever looks, as it is under Repairs. */
async function findingTitles(hass) {
  const { resources } = await hass.callWS({
    type: "frontend/get_translations",
    language: hass.language,
    category: "issues",
    integration: ["smartbms"],
  });
  const found = Object.entries(resources).flatMap(([key, title]) => {
    const match = FINDING.exec(key);
    return match ? [[match[1], title]] : [];
  });
  return Object.fromEntries(found);
}

/** Without any energy set up, Home Assistant answers that with an error. */
async function isEnergySetUp(hass) {
  if (!("energy" in hass.panels)) return false;
  return hass.callWS({ type: "energy/get_prefs" }).then(
    ({ energy_sources }) => energy_sources.length > 0,
    () => false,
  );
}

customElements.define("ll-strategy-dashboard-smartbms", SmartBmsDashboardStrategy);
