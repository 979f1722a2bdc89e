/**
 * Lit as Home Assistant ships it; nothing is loaded from elsewhere.
 *
 * Home Assistant puts `html` and `css` on the class that its own elements extend, for custom cards. They
 * are there once `home-assistant-main` is, which is loaded after the application itself.
 */
await customElements.whenDefined("home-assistant-main");

let found = customElements.get("home-assistant-main");
while (!Object.hasOwn(found.prototype, "html")) {
  found = Object.getPrototypeOf(found);
}

export const LitElement = found;
export const { html, css } = found.prototype;
/** Renders nothing, and removes an attribute. Lit finds it by this name too. */
export const nothing = Symbol.for("lit-nothing");
