import { create } from 'zustand';

/** A person of the seeded data, with the password everyone knows. */
export interface Sample {
  label: string;
  email: string;
  password: string;
}

/** The people to sign in as, where the server says that it is a development one. */
export const useSamples = create<Sample[]>(() => []);

/** Asks the server what it offers; a server that offers nothing is not an error. */
export async function loadSamples(): Promise<void> {
  const response = await fetch('/playground.json').catch(() => null);
  if (!response?.ok) return;
  const settings: unknown = await response.json().catch(() => null);
  useSamples.setState(readSamples(settings), true);
}

export function findSample(samples: Sample[], label: string): Sample | undefined {
  return samples.find((sample) => sample.label.toLowerCase() === label.toLowerCase());
}

export function readSamples(settings: unknown): Sample[] {
  if (!isRecord(settings) || settings.development !== true || !Array.isArray(settings.samples)) return [];
  return settings.samples.filter(isSample);
}

function isSample(value: unknown): value is Sample {
  return isRecord(value) && ['label', 'email', 'password'].every((name) => typeof value[name] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
