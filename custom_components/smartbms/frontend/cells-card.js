/** The cells of one BMS: each with its voltage, its temperature and how far it is from the average. */
import { style } from "./cells-style.js";
import { MOST_LINES, battery, notice } from "./cells-view.js";
import { picture } from "./cells.js";
import { follow } from "./follow.js";
import { formats } from "./formats.js";
import { LitElement, html, nothing } from "./lit.js";
import { texts } from "./texts.js";

/** How often the age of what is shown is told anew, in ms. */
const AGE_STEP = 30000;
/** The height of one line, and the unit in which dashboards count the height of cards, in px. */
const LINE_HEIGHT = 32;
const CARD_UNIT = 50;
/** What there is besides the cells, in that unit. */
const BESIDES = 4;

/** @typedef {{type: string, device_id?: string, title?: string}} Config No title: none is shown. */

class SmartBmsCellsCard extends LitElement {
  static styles = style;

  static properties = {
    _config: { state: true },
    _message: { state: true },
    _error: { state: true },
    _entities: { state: true },
    _text: { state: true },
  };

  static getConfigForm() {
    return {
      schema: [
        { name: "device_id", required: true, selector: { device: { integration: "smartbms" } } },
        { name: "title", selector: { text: {} } },
      ],
      // The frontend has a word of its own for the title.
      computeLabel: ({ name }, localize) =>
        name === "device_id" ? localize("ui.components.device-picker.device") : undefined,
    };
  }

  /** The first BMS that there is. */
  static async getStubConfig(hass) {
    const overview = await hass.callWS({ type: "smartbms/overview" });
    return { device_id: overview.find(({ cells, device_id }) => cells && device_id)?.device_id };
  }

  /** @param {Config} config */
  setConfig(config) {
    const isOther = config.device_id !== this._config?.device_id;
    this._config = config;
    if (isOther) {
      this._end();
      this._begin();
    }
  }

  /** Home Assistant comes anew with every state that changes anywhere; only these matter here. */
  set hass(hass) {
    const before = this._hass;
    this._hass = hass;
    if (before?.language !== hass.language) {
      texts(hass).then((text) => (this._text = text));
    }
    if (before?.locale !== hass.locale || before?.config !== hass.config) {
      this._formats = formats(hass);
      this.requestUpdate();
    }
    this._begin();
  }

  getCardSize() {
    const lines = Math.min(this._message?.cells.length ?? 0, MOST_LINES);
    return BESIDES + Math.ceil((lines * LINE_HEIGHT) / CARD_UNIT);
  }

  getGridOptions() {
    return { columns: 12, min_columns: 6 };
  }

  connectedCallback() {
    super.connectedCallback();
    this._begin();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this._end();
  }

  /** Listen to the BMS, as soon as there is everything that it takes. */
  _begin() {
    const device_id = this._config?.device_id;
    if (this._stop || !this._hass || !this.isConnected || !device_id) return;
    const stopFollowing = follow(
      this._hass.connection,
      { type: "smartbms/subscribe_cells", device_id },
      (message) => this._show(message),
      (error) => (this._error = error),
    );
    const timer = setInterval(() => this._message?.as_of && this.requestUpdate(), AGE_STEP);
    this._stop = () => {
      stopFollowing();
      clearInterval(timer);
    };
  }

  _end() {
    this._stop?.();
    this._stop = undefined;
    this._message = this._error = this._entities = undefined;
    this._scale = 0;
  }

  /** @param {import("./cells.js").Message} message */
  _show(message) {
    const { cells, available } = this._message ?? {};
    // With the cells come their entities, and when one is enabled the BMS is away for a moment.
    if (message.cells.length !== cells?.length || message.available !== available) this._findEntities();
    this._error = undefined;
    this._message = message;
  }

  async _findEntities() {
    const device_id = this._config.device_id;
    // Without an answer the cells are shown all the same; there is only nothing to open.
    const overview = await this._hass.callWS({ type: "smartbms/overview" }).catch(() => []);
    this._entities = overview.find((row) => row.device_id === device_id)?.entities;
  }

  render() {
    if (!this._text || !this._config) return nothing;
    const { title } = this._config;
    return html`
      <ha-card .header=${title || nothing}>
        <div class="content ${title ? "titled" : ""}">${this._problem() ?? this._battery()}</div>
      </ha-card>
    `;
  }

  /** What keeps the cells from being shown at all. */
  _problem() {
    if (!this._config.device_id) return notice("error", this._text("card_no_device"));
    if (this._error?.code === "not_found") return notice("error", this._text("card_device_gone"));
    if (this._error) return notice("info", this._text("card_waiting"));
    return this._message ? undefined : nothing;
  }

  _battery() {
    const drawn = picture(this._message, this._scale);
    this._scale = drawn.scale;
    return battery(this._message, drawn, {
      text: this._text,
      formats: this._formats,
      entities: this._entities ?? {},
      open: (entityId) => this._moreInfo(entityId),
      find: (number) => this._bringIntoView(number),
    });
  }

  _moreInfo(entityId) {
    const detail = { entityId };
    this.dispatchEvent(new CustomEvent("hass-more-info", { detail, bubbles: true, composed: true }));
  }

  _bringIntoView(number) {
    this.renderRoot.querySelector(`li[data-cell="${number}"]`)?.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("smartbms-cells-card", SmartBmsCellsCard);
