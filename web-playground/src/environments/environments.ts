import { create } from 'zustand';
import { storage } from '../storage/storage';

/** Values for `{{names}}` in operations, variables, headers and extensions, and headers for every request. */
export interface Environment {
  name: string;
  variables: Record<string, string>;
  headers: Record<string, string>;
}

interface Environments {
  environments: Environment[];
  /** The name of the active one. */
  active: string;
}

const KEY = 'environments';
/** Headers with these words in their names are secrets: they are kept while the page is open, and not stored. */
const SECRET = /authorization|cookie|token|secret|password|key/i;

export const useEnvironments = create<Environments>(() => read());

export function saveEnvironment(environment: Environment, formerName: string): void {
  const { environments, active } = useEnvironments.getState();
  const isKnown = environments.some(({ name }) => name === formerName);
  change({
    environments: isKnown
      ? environments.map((one) => (one.name === formerName ? environment : one))
      : [...environments, environment],
    active: active === formerName || !active ? environment.name : active,
  });
}

export function removeEnvironment(name: string): void {
  const { environments, active } = useEnvironments.getState();
  change({
    environments: environments.filter((one) => one.name !== name),
    active: active === name ? '' : active,
  });
}

export function chooseEnvironment(active: string): void {
  change({ ...useEnvironments.getState(), active });
}

export function activeEnvironment(): Environment | undefined {
  const { environments, active } = useEnvironments.getState();
  return environments.find(({ name }) => name === active);
}

interface Texts {
  query: string;
  variables: string;
  headers: string;
  extensions: string;
}

/** Fills in the values of the active environment, and adds its headers, which those of the tab override. */
export function applyEnvironment<Tab extends Texts>(tab: Tab, environment = activeEnvironment()): Tab {
  if (!environment) return tab;
  const { variables, headers } = environment;
  const fill = (text: string) =>
    text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      return value === undefined ? whole : inJson(value);
    });
  return {
    ...tab,
    query: fill(tab.query),
    variables: fill(tab.variables),
    headers: mergeHeaders(headers, fill(tab.headers), variables),
    extensions: fill(tab.extensions),
  };
}

/** Within a string of JSON or GraphQL. */
function inJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function mergeHeaders(own: Record<string, string>, text: string, variables: Record<string, string>): string {
  if (Object.keys(own).length === 0) return text;
  const filled = Object.fromEntries(
    Object.entries(own).map(([name, value]) => [
      name.toLowerCase(),
      value.replace(/\{\{(\w+)\}\}/g, (whole, variable: string) => variables[variable] ?? whole),
    ]),
  );
  if (!text.trim()) return JSON.stringify(filled);
  try {
    const tab = JSON.parse(text) as Record<string, unknown>;
    const lower = Object.fromEntries(Object.entries(tab).map(([name, value]) => [name.toLowerCase(), value]));
    return JSON.stringify({ ...filled, ...lower });
  } catch {
    // With comments, or invalid: whoever reads it says so.
    return text;
  }
}

function change(next: Environments): void {
  useEnvironments.setState(next);
  const stored = next.environments.map((one) => ({
    ...one,
    variables: withoutSecrets(one.variables),
    headers: withoutSecrets(one.headers),
  }));
  storage.setItem(KEY, JSON.stringify({ ...next, environments: stored }));
}

function withoutSecrets(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, SECRET.test(name) ? '' : value]),
  );
}

function read(): Environments {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? '{}');
    const { environments, active } = stored as Partial<Environments>;
    if (!Array.isArray(environments)) return { environments: [], active: '' };
    return {
      environments: environments.filter(isEnvironment),
      active: typeof active === 'string' ? active : '',
    };
  } catch {
    return { environments: [], active: '' };
  }
}

function isEnvironment(value: unknown): value is Environment {
  const { name, variables, headers } = (value ?? {}) as Record<string, unknown>;
  return typeof name === 'string' && isTexts(variables) && isTexts(headers);
}

export function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === 'string')
  );
}
