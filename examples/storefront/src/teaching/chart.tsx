import { useEffect, useRef, useState } from 'react';
import { euros, lastMonths, monthName } from '../parts/words';

const HEIGHT = 240;
/** Where the names of months, the greatest value and the scale are. */
const FLOOR = 28;
const CEILING = 30;
const SCALE = 62;
const BAR = 0.6;
const NARROW = 560;

interface Month {
  month: string;
  count: number;
  amount: string;
}

/** The sales of the last months as bars, and of twelve as a table for who cannot see them. */
export function SalesChart({ months }: { months: Month[] }) {
  const [figure, width] = useWidth();
  const [pointed, setPointed] = useState<string | null>(null);
  const year = lastMonths(12).map((month) => {
    const found = months.find((one) => one.month === month);
    return {
      month,
      amount: Number(found?.amount ?? 0),
      text: euros(found?.amount ?? '0'),
      count: found?.count ?? 0,
    };
  });
  const bars = width < NARROW ? year.slice(-6) : year;
  const shown = pointed ?? bars.findLast(({ amount }) => amount > 0)?.month;
  const top = roundedUp(Math.max(...bars.map(({ amount }) => amount)));
  const step = (width - SCALE) / bars.length;
  const y = (amount: number) => HEIGHT - FLOOR - (amount / top) * (HEIGHT - FLOOR - CEILING);
  return (
    <figure className="chart" ref={figure}>
      <figcaption className="visually-hidden">Sales of the last twelve months</figcaption>
      {bars.every(({ count }) => count === 0) ? (
        <p className="chart-empty">
          Nothing was sold in the last {bars.length === year.length ? 'twelve' : 'six'} months.
        </p>
      ) : (
        <svg width={width} height={HEIGHT} aria-hidden="true" focusable="false">
          {[0, 0.5, 1].map((share) => (
            <g key={share}>
              <line x1={SCALE} x2={width} y1={y(top * share)} y2={y(top * share)} className="chart-line" />
              <text x="0" y={y(top * share) + 4}>
                {euros(String(top * share))}
              </text>
            </g>
          ))}
          {bars.map(({ month, amount, text, count }, index) => {
            const center = SCALE + step * (index + 0.5);
            const isShown = shown === month;
            return (
              // biome-ignore lint/a11y/noStaticElementInteractions: the same is in the table below.
              <g key={month} onMouseEnter={() => setPointed(month)} onMouseLeave={() => setPointed(null)}>
                <rect x={center - step / 2} y="0" width={step} height={HEIGHT} fill="transparent" />
                <rect
                  x={center - (step * BAR) / 2}
                  width={step * BAR}
                  y={amount > 0 ? y(amount) : y(0) - 2}
                  height={amount > 0 ? y(0) - y(amount) : 2}
                  rx={amount > 0 ? 5 : 1}
                  className={isShown ? 'chart-bar strong' : 'chart-bar'}
                />
                {isShown && amount > 0 && (
                  <text
                    x={clamp(center, SCALE + 60, width - 60)}
                    y={y(amount) - 9}
                    textAnchor="middle"
                    className="chart-value"
                  >
                    {text} · {count} sold
                  </text>
                )}
                <text x={center} y={HEIGHT - 6} textAnchor="middle">
                  {monthName(month)}
                </text>
              </g>
            );
          })}
        </svg>
      )}
      <table className="visually-hidden">
        <caption>Sales by month</caption>
        <thead>
          <tr>
            <th scope="col">Month</th>
            <th scope="col">Sold</th>
            <th scope="col">Amount</th>
          </tr>
        </thead>
        <tbody>
          {year.map(({ month, text, count }) => (
            <tr key={month}>
              <th scope="row">{month}</th>
              <td>{count}</td>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** The width that the figure has, so that its text is as large as all other text. */
function useWidth() {
  const figure = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(320);
  useEffect(() => {
    const element = figure.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [figure, width] as const;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** The end of a scale that holds this amount: a round number, at least 10. */
export function roundedUp(amount: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(amount, 10)));
  return [1, 2, 3, 4, 6, 8, 10].map((factor) => factor * power).find((end) => end >= amount) ?? amount;
}
