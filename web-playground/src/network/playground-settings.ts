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
  /** Who may ask for plans and traces; nobody where the server does not say. */
  insight: 'everyone' | 'admins' | 'nobody';
  /** The people to sign in as; only a development server has any. */
  samples: Sample[];
}

const NOTHING: Settings = { development: false, insight: 'nobody', samples: [] };

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
  if (!isRecord(settings)) return NOTHING;
  const development = settings.development === true;
  const { insight } = settings;
  return {
    development,
    insight: insight === 'everyone' || insight === 'admins' ? insight : 'nobody',
    samples: development && Array.isArray(settings.samples) ? settings.samples.filter(isSample) : [],
  };
}

function isSample(value: unknown): value is Sample {
  return isRecord(value) && ['label', 'email', 'password'].every((name) => typeof value[name] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
