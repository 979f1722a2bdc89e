/** The dashboard as Home Assistant keeps it, made of what the integration tells. Pure. */
import { BADGES, PULSE, SECTIONS, SUMMARY } from "./sections.js";

/**
 * @typedef {import("./cards.js").Battery} Battery
 * @typedef {import("./cards.js").Card} Card
 * @typedef {import("./cards.js").Words} Words
 */

/** As many as fit beside the sidebar on most screens; the first three sections are the flow. */
const MOST_COLUMNS = 3;
const OVERVIEW = "overview";
const INTEGRATIONS = "/config/integrations/dashboard";
const INTEGRATION = "/config/integrations/integration/smartbms";

/**
 * A view for each battery, before them one of all where there are several, and a hint where there is none.
 *
 * @param {Battery[]} batteries
 * @param {Words} words `findings` with `{name}` for the name of the battery.
 * @returns {{views: Card[]}}
 */
export function dashboard(batteries, words) {
  const { text } = words;
  if (batteries.length === 0) {
    const hint = notice(text("dashboard_none", { link: INTEGRATIONS }));
    return { views: [view(text("dashboard_name"), OVERVIEW, [section([hint])])] };
  }
  const paths = pathsOf(batteries.map(({ name }) => name));
  const views = batteries.map((battery, index) => viewOf(battery, paths[index], words));
  if (batteries.length === 1) return { views };
  const summaries = batteries.map((battery, index) => summaryOf(battery, paths[index], words));
  return { views: [view(text("dashboard_overview"), OVERVIEW, summaries), ...views] };
}

/** All of one battery. @param {Battery} battery @param {string} path @param {Words} words */
function viewOf(battery, path, words) {
  const own = { ...words, findings: findingsOf(words.findings, battery.name) };
  const make = (maker) => maker(battery, own);
  const sections = SECTIONS.flatMap(({ title, icon, span, link, cards }) => {
    const made = cards.flatMap(make);
    if (made.length === 0) return [];
    const heading = { type: "heading", heading: words.text(title), icon, badges: link ? make(link) : [] };
    return [section([heading, ...made], span)];
  });
  const away = notLoaded(battery, words).map((card) => section([card], MOST_COLUMNS));
  return { ...view(battery.name, path, [...away, ...sections]), badges: BADGES.flatMap(make) };
}

/** What matters of one among several. @param {Battery} battery @param {string} path @param {Words} words */
function summaryOf(battery, path, words) {
  const make = (maker) => maker(battery, words);
  const heading = {
    type: "heading",
    heading: battery.name,
    icon: "mdi:battery-high",
    tap_action: { action: "navigate", navigation_path: path },
  };
  return section([heading, ...notLoaded(battery, words), ...SUMMARY.flatMap(make)]);
}

/**
 * Says that a battery is not loaded, for as long as it is not: one that was, tells so by an entity.
 *
 * @param {Battery} battery
 * @param {Words} words
 */
function notLoaded({ loaded, entities }, { text }) {
  const pulse = PULSE.find((key) => key in entities);
  if (!pulse && loaded) return [];
  const condition = { condition: "state", entity: entities[pulse], state: "unavailable" };
  const card = notice(text("dashboard_not_loaded", { link: INTEGRATION }));
  return [pulse ? { ...card, visibility: [condition] } : card];
}

function notice(content) {
  return { type: "markdown", content, grid_options: { columns: "full" } };
}

/** @param {Card[]} cards */
function section(cards, column_span = 1) {
  return { type: "grid", column_span, cards };
}

function view(title, path, sections) {
  const layout = { type: "sections", max_columns: MOST_COLUMNS, dense_section_placement: true };
  return { title, path, ...layout, sections };
}

/** @param {Record<string, string>} titles @param {string} name */
function findingsOf(titles, name) {
  const named = Object.entries(titles).map(([key, title]) => [key, title.replaceAll("{name}", name)]);
  return Object.fromEntries(named);
}

/**
 * The address of each view: its name in letters and digits, different from all others.
 *
 * A number alone would be taken for the place of a view among the others.
 *
 * @param {string[]} names
 * @returns {string[]}
 */
export function pathsOf(names) {
  const taken = new Set([OVERVIEW]);
  return names.map((name) => {
    const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    const words = plain.match(/[a-z0-9]+/g) ?? [];
    const stem = /[a-z]/.test(plain) ? words.join("-") : ["battery", ...words].join("-");
    let path = stem;
    for (let number = 2; taken.has(path); number += 1) path = `${stem}-${number}`;
    taken.add(path);
    return path;
  });
}
