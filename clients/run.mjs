// Runs the clients one after another against the system at LYCEUM_URL, and prints what each of them can do as a table:
// node run.mjs [--json FILE] [CLIENT…]
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const CLIENTS = ['apollo', 'urql', 'relay', 'graphql-request', 'python-gql'];
const LIMIT_MS = 120_000;
const system = new URL(process.env.LYCEUM_URL ?? 'http://localhost:4000/');
const options = process.argv.slice(2);
const jsonAt = options.indexOf('--json');
const [, jsonFile] = jsonAt < 0 ? [] : options.splice(jsonAt, 2);
const chosen = options.length > 0 ? options : CLIENTS;

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
  const isPython = existsSync(join(directory, 'requirements.txt'));
  try {
    const command = isPython ? preparePython(directory) : prepareNode(directory);
    results.push(await run(command, directory, name));
  } catch (error) {
    results.push({ client: name, ok: false, error: String(error.stderr ?? error) });
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
  return [python, 'main.py'];
}

function isOlder(made, source) {
  return !existsSync(made) || statSync(made).mtimeMs < statSync(source).mtimeMs;
}

/** The result is the last line that a client prints. */
function run([program, ...words], directory, name) {
  return new Promise((resolve) => {
    const child = spawn(program, words, { cwd: directory, env: environment, timeout: LIMIT_MS });
    let output = '';
    let errors = '';
    child.stdout.on('data', (part) => {
      output += part;
    });
    child.stderr.on('data', (part) => {
      errors += part;
    });
    child.on('close', (code) => {
      const line = output.trim().split('\n').at(-1) ?? '';
      try {
        resolve({ ...JSON.parse(line), ...(errors ? { error: errors } : {}) });
      } catch {
        resolve({ client: name, ok: false, error: `ended with ${code}\n${output}${errors}` });
      }
    });
  });
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
