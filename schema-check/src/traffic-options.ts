// The options of commands that read traffic.

import { CouldNotRun } from "./problem.ts";

const DEFAULT_DAYS = 30;

export function parseDays(text: string | undefined): number {
  if (text === undefined) return DEFAULT_DAYS;
  const days = Number(text);
  if (Number.isInteger(days) && days > 0) return days;
  throw usageError(`a number of days must be a whole number above 0, not "${text}"`);
}

/** Today in UTC, unless another day is given. */
export function parseDay(text: string | undefined): string {
  if (text === undefined) return new Date().toISOString().slice(0, 10);
  const date = new Date(`${text}T00:00:00Z`);
  if (!Number.isNaN(date.valueOf()) && date.toISOString().startsWith(`${text}T`)) return text;
  throw usageError(`a day must be a date such as 2027-01-31, not "${text}"`);
}

/** How much use makes a break. */
export interface Threshold {
  requests: number;
  /** Of all requests, from 0 to 100. */
  percent: number;
}

export function parseThreshold(
  requests: string | undefined,
  percent: string | undefined,
): Threshold {
  const found = { requests: Number(requests ?? 1), percent: Number(percent ?? 0) };
  if (!Number.isInteger(found.requests) || found.requests < 0) {
    throw usageError(`--traffic-min takes a whole number of requests, not "${requests}"`);
  }
  if (!(found.percent >= 0 && found.percent <= 100)) {
    throw usageError(`--traffic-percent takes a number from 0 to 100, not "${percent}"`);
  }
  return found;
}

const usageError = (message: string) => new CouldNotRun({ code: "USAGE", message });
