// Runs the clients one after another against the system at LYCEUM_URL, and prints what each of them can do as a table:
// node run.mjs [--long] [--json FILE] [CLIENT…]
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingSteps } from './steps.mjs';

const CLIENTS = ['apollo', 'urql', 'relay', 'graphql-request', 'python-gql'];
/** Those that take minutes to build, which only `--long` runs, or their names. */
const LONG_CLIENTS = ['rust'];
const CLIENT_TIMEOUT_MS = 120_000;
const system = new URL(process.env.LYCEUM_URL ?? 'http://localhost:4000/');
const options = process.argv.slice(2);
const jsonAt = options.indexOf('--json');
const [, jsonFile] = jsonAt < 0 ? [] : options.splice(jsonAt, 2);
const longAt = options.indexOf('--long');
const all = longAt < 0 ? CLIENTS : [...CLIENTS, ...LONG_CLIENTS];
if (longAt >= 0) options.splice(longAt, 1);
const chosen = options.length > 0 ? options : all;

/** A network that can be broken: what connects is passed on to the system. */
const sockets = new Set();
const network = createServer((client) => {
  const server = connect(Number(system.port || 80), system.hostname);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ]) {
    sockets.add(one);
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      sockets.delete(one);
      other.destroy();
    });
  }
});
const cut = createHttpServer((_request, response) => {
  for (const socket of sockets) socket.destroy();
  response.end();
});
const listen = (server) => new Promise((resolve) => server.listen(0, () => resolve(server.address().port)));
const environment = {
  ...process.env,
  LYCEUM_URL: `http://localhost:${await listen(network)}/`,
  LYCEUM_CUT_URL: `http://localhost:${await listen(cut)}/`,
};

const results = [];
for (const name of chosen) {
  const directory = join(import.meta.dirname, name);
  const has = (file) => existsSync(join(directory, file));
  const prepare = has('Cargo.toml') ? prepareRust : has('requirements.txt') ? preparePython : prepareNode;
  try {
    results.push(await run(prepare(directory), directory, name));
  } catch (error) {
    results.push({ client: name, ok: false, error: `${error}\n${error.stdout ?? ''}` });
  }
}
network.close();
cut.close();
for (const socket of sockets) socket.destroy();

if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify(results, null, 2)}\n`);
printTable();
process.exit(results.every(({ ok }) => ok) ? 0 : 1);

function prepareNode(directory) {
  const npm = (...words) => execFileSync('npm', words, { cwd: directory, stdio: 'pipe', encoding: 'utf8' });
  if (isOlder(join(directory, 'node_modules/.package-lock.json'), join(directory, 'package-lock.json')))
    npm('ci', '--no-audit', '--no-fund', '--loglevel', 'error');
  npm('run', '--silent', 'check');
  npm('run', '--silent', 'build');
  return ['npm', 'start', '--silent'];
}

function preparePython(directory) {
  const python = join(directory, '.venv/bin/python');
  if (isOlder(python, join(directory, 'requirements.txt'))) {
    execFileSync('python3', ['-m', 'venv', '.venv'], { cwd: directory, stdio: 'pipe' });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'];
    execFileSync(python, pip, { cwd: directory, stdio: 'pipe' });
  }
  checkModels(directory, python);
  // A model has a field for `register`, as the mutation is called; Pydantic's base class has such a method, which is not used.
  return [python, '-W', 'ignore:Field name "register":UserWarning', 'main.py'];
}

/** The models are those that ariadne-codegen would generate now; it cannot check that itself. */
function checkModels(directory, python) {
  const made = mkdtempSync(join(tmpdir(), 'lyceum-models-'));
  const config = join(made, 'pyproject.toml');
  const target = `target_package_path = ${JSON.stringify(made)}`;
  writeFileSync(
    config,
    read(join(directory, 'pyproject.toml')).replace(/^target_package_path = .*$/m, target),
  );
  execFileSync(python, ['-m', 'ariadne_codegen', '--config', config], { cwd: directory, stdio: 'pipe' });
  const modules = new Set([made, directory].flatMap((parent) => readdirSync(join(parent, 'graph'))));
  modules.delete('__pycache__');
  const stale = [...modules].filter(
    (name) => read(join(made, 'graph', name)) !== read(join(directory, 'graph', name)),
  );
  rmSync(made, { recursive: true });
  if (stale.length > 0) throw new Error(`graph/ is stale, run ariadne-codegen: ${stale.join(', ')}`);
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** What cargo makes stays out of this folder, which other tools look into. */
function prepareRust(directory) {
  const target = process.env.CARGO_TARGET_DIR ?? join(tmpdir(), 'lyceum-clients');
  const words = ['build', '--quiet', '--locked', '--target-dir', target];
  execFileSync('cargo', words, { cwd: directory, stdio: 'pipe', encoding: 'utf8' });
  return [join(target, 'debug/graphql-client-example')];
}

function isOlder(made, source) {
  return !existsSync(made) || statSync(made).mtimeMs < statSync(source).mtimeMs;
}

/** The result is the last line that a client prints; what it writes to standard error is none of a client that works. */
function run([program, ...words], directory, name) {
  return new Promise((resolve) => {
    const child = spawn(program, words, { cwd: directory, env: environment, timeout: CLIENT_TIMEOUT_MS });
    let output = '';
    let errors = '';
    child.stdout.on('data', (part) => {
      output += part;
    });
    child.stderr.on('data', (part) => {
      errors += part;
    });
    child.on('close', (code) => {
      const result = resultIn(output);
      const missing = missingSteps(name, result);
      const error = `ended with ${code}, without these steps: ${missing.join(', ') || 'none'}\n${output}${errors}`;
      const isFine = code === 0 && result?.ok && errors === '' && missing.length === 0;
      resolve(isFine ? { folder: name, ...result } : { client: name, ...result, ok: false, error });
    });
  });
}

function resultIn(output) {
  try {
    return JSON.parse(output.trim().split('\n').at(-1));
  } catch {
    return undefined;
  }
}

function unit(value, name) {
  return value == null ? '' : `${value} ${name}`;
}

function printTable() {
  const steps = [...new Set(results.flatMap(({ steps = {} }) => Object.keys(steps)))];
  const head = ['client', 'version', ...steps, 'sent', 'received', 'statements', 'cost'];
  const rows = results.map(({ client, version = '', steps: done = {}, studentHome }) => [
    client,
    version,
    ...steps.map((step) => done[step] ?? ''),
    unit(studentHome?.sentBytes, 'B'),
    unit(studentHome?.receivedBytes, 'B'),
    studentHome?.statements ?? '',
    unit(studentHome?.cost, 'ms'),
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  console.log([line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'));
  for (const { client, ok, error } of results) if (!ok) console.error(`\n${client} failed:\n${error}`);
}
