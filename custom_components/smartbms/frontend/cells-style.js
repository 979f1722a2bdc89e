/** How the card of the cells looks: with the colours of whatever theme there is. */
import { css } from "./lit.js";

export const style = css`
  :host {
    --in-range: var(--success-color, #43a047);
    --balancing: var(--warning-color, #ffa600);
    --outside: var(--error-color, #db4437);
    --unknown: var(--disabled-text-color, #9e9e9e);
    --centre: color-mix(in srgb, var(--primary-text-color) 35%, transparent);
    --mdc-icon-size: 16px;
    display: block;
    height: 100%;
  }
  ha-card {
    box-sizing: border-box;
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow: hidden;
  }
  .content {
    container-type: inline-size;
    display: flex;
    flex: 1;
    flex-direction: column;
    gap: 12px;
    min-height: 0;
    padding: 16px;
    color: var(--primary-text-color);
    font-variant-numeric: tabular-nums;
  }
  .titled {
    padding-top: 0;
  }
  .spoken {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .notice {
    --mdc-icon-size: 24px;
    display: flex;
    align-items: center;
    gap: 12px;
    border-radius: 8px;
    padding: 8px 12px;
    background: color-mix(in srgb, var(--tone) 15%, transparent);
  }
  .notice ha-icon {
    flex: none;
    color: var(--tone);
  }
  .notice.error {
    --tone: var(--error-color, #db4437);
  }
  .notice.warning {
    --tone: var(--warning-color, #ffa600);
  }
  .notice.info {
    --tone: var(--info-color, #039be5);
  }

  .summary {
    display: grid;
    grid-template-columns: repeat(3, 1fr);
    gap: 8px 12px;
    margin: 0;
  }
  @container (min-width: 560px) {
    .summary {
      grid-template-columns: repeat(6, 1fr);
    }
  }
  dt,
  small,
  .legend,
  .number,
  .deviation {
    color: var(--secondary-text-color);
    font-size: 12px;
  }
  dd {
    margin: 0;
    font-size: 16px;
    font-weight: 500;
  }
  small {
    display: block;
    font-weight: 400;
  }

  ul {
    flex: 0 1 auto;
    min-height: 0;
    overflow-y: auto;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  ul.old {
    opacity: 0.7;
  }
  .lines {
    columns: 340px auto;
    column-gap: 24px;
  }
  .tiles {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(84px, 1fr));
    gap: 4px;
    max-height: 480px;
  }
  li {
    break-inside: avoid;
  }
  .in_range {
    --state: var(--in-range);
  }
  .balancing {
    --state: var(--balancing);
  }
  .outside {
    --state: var(--outside);
  }
  .unknown {
    --state: var(--unknown);
  }
  li > * {
    position: relative;
    box-sizing: border-box;
    display: grid;
    align-items: center;
    width: 100%;
    border: 0;
    border-radius: 6px;
    background: none;
    color: inherit;
    font: inherit;
    text-align: start;
  }
  button {
    cursor: pointer;
  }
  button:hover {
    background: color-mix(in srgb, var(--primary-text-color) 6%, transparent);
  }
  button:focus-visible,
  .tiles:focus-visible {
    outline: 2px solid var(--primary-color);
    outline-offset: -2px;
  }
  .lines li > * {
    grid-template-columns: 34px minmax(24px, 1fr) 52px 80px 38px;
    column-gap: 4px;
    height: 32px;
    padding: 0 2px;
  }
  .tiles li > * {
    grid-template: "number temperature" auto "voltage voltage" auto "bar bar" auto / 1fr auto;
    row-gap: 2px;
    padding: 4px 6px;
    background: color-mix(in srgb, var(--state) 10%, transparent);
  }
  .tiles .deviation {
    display: none;
  }
  .tiles .number {
    grid-area: number;
  }
  .tiles .voltage {
    grid-area: voltage;
  }
  .tiles .temperature {
    grid-area: temperature;
    font-size: 12px;
  }
  .tiles .bar {
    grid-area: bar;
    height: 6px;
  }
  .number b {
    margin-inline-start: 4px;
    color: var(--primary-text-color);
    font-weight: 400;
  }
  .deviation,
  .temperature,
  .lines .voltage {
    text-align: end;
  }
  .voltage {
    border-radius: 6px;
    font-weight: 500;
    white-space: nowrap;
  }
  .lines .voltage {
    padding: 2px 6px;
    background: color-mix(in srgb, var(--state) 22%, transparent);
  }
  .voltage ha-icon,
  .legend ha-icon {
    margin-inline-end: 3px;
    color: var(--state);
  }
  .temperature {
    color: var(--secondary-text-color);
    font-size: 13px;
    white-space: nowrap;
  }
  .temperature.outside {
    color: var(--outside);
    font-weight: 700;
  }

  .bar {
    position: relative;
    height: 100%;
  }
  .bar::before {
    position: absolute;
    inset: 0 auto 0 50%;
    border-inline-start: 1px solid var(--centre);
    content: "";
  }
  .bar i {
    position: absolute;
    inset: 25% 0 25% 50%;
    background: var(--state);
    transform: scaleX(var(--share));
    transform-origin: left;
    transition: transform 0.3s;
  }
  /* Not by colour alone. */
  .balancing .bar i,
  .balancing .swatch {
    background: repeating-linear-gradient(45deg, var(--state) 0 3px, transparent 3px 5px);
  }
  @media (prefers-reduced-motion: reduce) {
    .bar i {
      transition: none;
    }
  }

  .chart {
    display: flex;
    flex: none;
    height: 72px;
    background: linear-gradient(var(--centre) 0 0) center / 100% 1px no-repeat;
  }
  .chart i {
    position: relative;
    flex: 1;
    cursor: pointer;
  }
  .chart i::before {
    position: absolute;
    inset: 0 10% 50%;
    background: var(--state);
    content: "";
    transform: scaleY(var(--share));
    transform-origin: bottom;
  }

  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 16px;
  }
  .legend span {
    display: inline-flex;
    align-items: center;
  }
  .swatch {
    width: 12px;
    height: 12px;
    margin-inline-end: 6px;
    border-radius: 3px;
    background: var(--state);
  }
`;
