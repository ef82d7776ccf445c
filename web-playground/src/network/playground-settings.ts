import { create } from 'zustand';

/** A user of the seed data, with a well-known password. */
export interface SampleUser {
  label: string;
  email: string;
  password: string;
}

export interface Settings {
  /** Whether it is a development server. */
  development: boolean;
  /** Who may request query plans and traces; nobody by default. */
  diagnostics: 'everyone' | 'admins' | 'nobody';
  /** Users to sign in as; only development servers have any. */
  samples: SampleUser[];
}

const DEFAULTS: Settings = { development: false, diagnostics: 'nobody', samples: [] };

export const useSettings = create<Settings>(() => DEFAULTS);

/** Loads the settings from the server; keeps the defaults when it has none. */
export async function loadSettings(): Promise<void> {
  const response = await fetch('/playground.json').catch(() => null);
  if (!response?.ok) return;
  const settings: unknown = await response.json().catch(() => null);
  useSettings.setState(readSettings(settings), true);
}

export function findSampleUser(samples: SampleUser[], label: string): SampleUser | undefined {
  return samples.find((sample) => sample.label.toLowerCase() === label.toLowerCase());
}

export function readSettings(settings: unknown): Settings {
  if (!isRecord(settings)) return DEFAULTS;
  const development = settings.development === true;
  const { diagnostics } = settings;
  return {
    development,
    diagnostics: diagnostics === 'everyone' || diagnostics === 'admins' ? diagnostics : 'nobody',
    samples: development && Array.isArray(settings.samples) ? settings.samples.filter(isSampleUser) : [],
  };
}

function isSampleUser(value: unknown): value is SampleUser {
  return isRecord(value) && ['label', 'email', 'password'].every((name) => typeof value[name] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
