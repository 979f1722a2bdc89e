/**
 * What Home Assistant's frontend loads of this integration: the dashboard and the card of the cells.
 *
 * Neither waits for the other: the card needs Home Assistant's own elements first, and the dashboard
 * has only seconds to be there.
 */
import { texts } from "./texts.js";

import("./strategy.js");
import("./cells-card.js");

/** How often to look whether somebody is logged in, in ms; nothing tells. */
const LOOK = 200;

/** What the dialogs offer to add; it is named as soon as the language is known. */
const card = { type: "smartbms-cells-card", preview: true };
const dashboard = { type: "smartbms", strategyType: "dashboard" };
(window.customCards ??= []).push(card);
(window.customStrategies ??= []).push(dashboard);
name();

async function name() {
  const hass = document.querySelector("home-assistant")?.hass;
  if (!hass) {
    setTimeout(name, LOOK);
    return;
  }
  const text = await texts(hass);
  Object.assign(card, { name: text("card_name"), description: text("card_description") });
  Object.assign(dashboard, { name: text("dashboard_name"), description: text("dashboard_description") });
}
