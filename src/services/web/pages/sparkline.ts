import { html, type Html } from '../../../http/html.ts';

const width = 72;
const height = 20;
const shownHours = 24;

/** Readers per hour, oldest first, as a small line; the last 24 hours. Nothing when there is nothing to compare. */
export function drawSparkline(hourly: readonly number[]): Html {
  const values = hourly.slice(-shownHours);
  if (values.length < 2 || values.every((value) => value === 0)) return html``;
  const most = Math.max(...values);
  const points = values.map((value, index) => {
    const x = 2 + (index * (width - 6)) / (values.length - 1);
    const y = height - 3 - (value / most) * (height - 6);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const [lastX, lastY] = (points.at(-1) ?? '0 0').split(' ');
  return html`<svg class="sparkline" viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">
    <polyline points="${points.join(',')}" />
    <circle cx="${lastX}" cy="${lastY}" r="2" />
  </svg>`;
}
