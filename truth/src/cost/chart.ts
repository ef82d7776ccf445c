// A scatter plot of the fit, as SVG: estimated against measured cost.

import type { Measurement } from "./measure.ts";

const SIZE = 480;
const MARGIN = 56;

/** Both axes are logarithmic, in milliseconds. */
export function chart(points: readonly Measurement[]): string {
  const pointsMillis = points.map(
    ({ estimated, micros }) => [estimated / 1000, micros / 1000] as const,
  );
  const all = pointsMillis.flat().filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const scale = (value: number) =>
    ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (SIZE - 2 * MARGIN);
  const x = (value: number) => (MARGIN + scale(value)).toFixed(1);
  const y = (value: number) => (SIZE - MARGIN - scale(value)).toFixed(1);
  const ticks = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step));
  const lines = ticks.flatMap((tick) => [
    `<path class="grid" d="M${x(tick)} ${MARGIN}V${SIZE - MARGIN}M${MARGIN} ${y(tick)}H${SIZE - MARGIN}"/>`,
    `<text x="${x(tick)}" y="${SIZE - MARGIN + 18}" text-anchor="middle">${label(tick)}</text>`,
    `<text x="${MARGIN - 8}" y="${Number(y(tick)) + 4}" text-anchor="end">${label(tick)}</text>`,
  ]);
  const [first, last] = [10 ** low, 10 ** high];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="Estimated against measured cost of ${points.length} operations">`,
    "<style>text{font:12px system-ui,sans-serif;fill:#57606a}.grid{stroke:#8c959f;stroke-opacity:.3;fill:none}.same{stroke:#8c959f;stroke-dasharray:4 4}circle{fill:#0969da;fill-opacity:.35}@media(prefers-color-scheme:dark){text{fill:#9198a1}circle{fill:#4493f8}}</style>",
    ...lines,
    `<path class="same" d="M${x(first)} ${y(first)}L${x(last)} ${y(last)}"/>`,
    ...pointsMillis.map(
      ([estimated, measured]) => `<circle cx="${x(estimated)}" cy="${y(measured)}" r="2"/>`,
    ),
    `<text x="${SIZE / 2}" y="${SIZE - 12}" text-anchor="middle">estimated, ms</text>`,
    `<text transform="translate(14 ${SIZE / 2}) rotate(-90)" text-anchor="middle">measured, ms</text>`,
    "</svg>\n",
  ].join("\n");
}

function label(tick: number): string {
  return tick >= 1 ? String(tick) : tick.toFixed(-Math.floor(Math.log10(tick)));
}
