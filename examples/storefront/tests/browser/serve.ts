import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import 'vitest';
import type { TestProject } from 'vitest/node';
import { startProvider } from './provider.ts';
import { startProxy } from './proxy.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The shop's address. */
    store: string;
  }
}

const system = new URL(process.env.LYCEUM_URL ?? 'http://localhost:4000/');
const DIST = join(import.meta.dirname, '../../dist');
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** What the shop needs, and no more: the router sends the same. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Uses the shop that the system serves; if it serves none, serves what was built, and passes the rest on to it. */
export default async function serve(project: TestProject): Promise<() => void> {
  const port = process.env.PAYMENT_PROVIDER_PORT;
  const provider = port ? await startProvider(Number(port)) : undefined;
  const proxy = (await isServed()) ? undefined : await startProxy(system, answer);
  project.provide('store', `${proxy?.url ?? system.origin}/store`);
  return () => {
    proxy?.close();
    provider?.close();
  };
}

async function isServed(): Promise<boolean> {
  const response = await fetch(new URL('/store/', system), { headers: { accept: 'text/html' } });
  return response.ok && (await response.text()).includes('<title>Lyceum</title>');
}

/** A file of the shop, or its page for each address that is no file. */
function answer(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
  const { pathname } = new URL(incoming.url ?? '/', system);
  if (pathname !== '/store' && !pathname.startsWith('/store/')) return false;
  const path = pathname.slice('/store'.length);
  const isFile = extname(path) in TYPES && !path.includes('..');
  const name = join(DIST, isFile ? path : '/index.html');
  const isThere = existsSync(name);
  outgoing.writeHead(isThere ? 200 : 404, {
    'content-type': TYPES[extname(name)] ?? 'text/plain',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  outgoing.end(isThere ? readFileSync(name) : 'Not found\n');
  return true;
}
