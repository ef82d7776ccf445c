import { create } from 'zustand';

/** A person of the seeded data, with the password everyone knows. */
export interface Sample {
  label: string;
  email: string;
  password: string;
}

export interface Settings {
  /** Whether the server says that it is a development one. */
  development: boolean;
  /** The people to sign in as; only a development server has any. */
  samples: Sample[];
}

const NOTHING: Settings = { development: false, samples: [] };

export const useSettings = create<Settings>(() => NOTHING);

/** Asks the server what it offers; a server that offers nothing is not an error. */
export async function loadSettings(): Promise<void> {
  const response = await fetch('/playground.json').catch(() => null);
  if (!response?.ok) return;
  const settings: unknown = await response.json().catch(() => null);
  useSettings.setState(readSettings(settings), true);
}

export function findSample(samples: Sample[], label: string): Sample | undefined {
  return samples.find((sample) => sample.label.toLowerCase() === label.toLowerCase());
}

export function readSettings(settings: unknown): Settings {
  if (!isRecord(settings) || settings.development !== true) return NOTHING;
  const samples = Array.isArray(settings.samples) ? settings.samples.filter(isSample) : [];
  return { development: true, samples };
}

function isSample(value: unknown): value is Sample {
  return isRecord(value) && ['label', 'email', 'password'].every((name) => typeof value[name] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
