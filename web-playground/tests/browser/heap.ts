import type { CDPSession, Page } from 'playwright-core';

/** A text that is still in memory, and what holds it. */
export interface HeldText {
  text: string;
  /** From the root of the heap to the text. */
  path: string[];
}

/** Flags of a browser whose heap snapshots have long texts in full. */
export const HEAP_FLAGS = ['--js-flags=--heap-snapshot-string-limit=10000000'];

/** Which of the texts are in the memory of the page's scripts, or of its workers. Garbage is collected first. */
export async function textsInMemory(page: Page, texts: string[]): Promise<HeldText[]> {
  const devtools = await page.context().newCDPSession(page);
  const workers = await attachWorkers(devtools);
  const held = search(await takeSnapshot(devtools), texts);
  for (const worker of workers) held.push(...search(await takeSnapshot(worker), texts));
  await devtools.detach();
  return held;
}

/** The part of the protocol that is used here. */
interface Target {
  send(method: 'HeapProfiler.takeHeapSnapshot'): Promise<unknown>;
  onChunk(listener: (chunk: string) => void): void;
}

async function takeSnapshot(session: CDPSession | Target): Promise<Snapshot> {
  const chunks: string[] = [];
  if ('onChunk' in session) session.onChunk((chunk) => chunks.push(chunk));
  else session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await session.send('HeapProfiler.takeHeapSnapshot');
  return JSON.parse(chunks.join(''));
}

/** Playwright has no sessions for workers: their messages go through the session of the page. */
async function attachWorkers(devtools: CDPSession): Promise<Target[]> {
  const targets: Target[] = [];
  devtools.on('Target.attachedToTarget', ({ sessionId }) => targets.push(targetOf(devtools, sessionId)));
  await devtools.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  return targets;
}

function targetOf(devtools: CDPSession, sessionId: string): Target {
  const listeners: ((chunk: string) => void)[] = [];
  let finish: (() => void) | undefined;
  devtools.on('Target.receivedMessageFromTarget', (event) => {
    if (event.sessionId !== sessionId) return;
    const message = JSON.parse(event.message);
    if (message.method === 'HeapProfiler.addHeapSnapshotChunk')
      for (const listener of listeners) listener(message.params.chunk);
    else if (message.id === 1) finish?.();
  });
  return {
    onChunk: (listener) => listeners.push(listener),
    send: (method) =>
      new Promise<void>((resolve, reject) => {
        finish = resolve;
        const message = JSON.stringify({ id: 1, method });
        devtools.send('Target.sendMessageToTarget', { sessionId, message }).catch(reject);
      }),
  };
}

/** V8's format, of which numbers and names are in flat lists. */
interface Snapshot {
  snapshot: {
    meta: {
      node_fields: string[];
      node_types: [string[]];
      edge_fields: string[];
      edge_types: [string[]];
    };
  };
  nodes: number[];
  edges: number[];
  strings: string[];
}

function search(snapshot: Snapshot, texts: string[]): HeldText[] {
  const { nodes, strings } = snapshot;
  const { node_fields: fields, node_types: types } = snapshot.snapshot.meta;
  const [type, name] = [fields.indexOf('type'), fields.indexOf('name')];
  const textTypes = new Set(
    ['string', 'concatenated string', 'sliced string'].map((one) => types[0].indexOf(one)),
  );
  const found = new Map<number, string>();
  for (const [index, string] of strings.entries()) {
    const text = texts.find((one) => string.includes(one));
    if (text) found.set(index, text);
  }
  const held: { text: string; node: number }[] = [];
  for (let node = 0; node < nodes.length && found.size > 0; node += fields.length) {
    const text = found.get(nodes[node + name] ?? -1);
    if (text && textTypes.has(nodes[node + type] ?? -1)) held.push({ text, node });
  }
  return held.length > 0 ? withPaths(snapshot, held) : [];
}

function withPaths(snapshot: Snapshot, held: { text: string; node: number }[]): HeldText[] {
  const { meta } = snapshot.snapshot;
  const { nodes, edges, strings } = snapshot;
  const [width, edgeWidth] = [meta.node_fields.length, meta.edge_fields.length];
  const [nameAt, countAt] = [meta.node_fields.indexOf('name'), meta.node_fields.indexOf('edge_count')];
  const edgeTypes = meta.edge_types[0];
  const firstEdge = new Uint32Array(nodes.length / width + 1);
  for (let node = 0, edge = 0; node < nodes.length; node += width) {
    firstEdge[node / width] = edge;
    edge += (nodes[node + countAt] ?? 0) * edgeWidth;
    firstEdge[node / width + 1] = edge;
  }
  const reachedBy = new Map<number, { from: number; edge: number }>([[0, { from: -1, edge: -1 }]]);
  const queue = [0];
  for (let next = 0; next < queue.length; next += 1) {
    const from = queue[next] ?? 0;
    for (
      let edge = firstEdge[from / width] ?? 0;
      edge < (firstEdge[from / width + 1] ?? 0);
      edge += edgeWidth
    ) {
      const to = edges[edge + 2] ?? 0;
      if (edgeTypes[edges[edge] ?? 0] === 'weak' || reachedBy.has(to)) continue;
      reachedBy.set(to, { from, edge });
      queue.push(to);
    }
  }
  const label = (node: number) => (strings[nodes[node + nameAt] ?? 0] ?? '').slice(0, 40);
  const edgeName = (edge: number) => {
    const kind = edgeTypes[edges[edge] ?? 0] ?? '';
    const name = edges[edge + 1] ?? 0;
    return kind === 'element' || kind === 'hidden' ? `[${name}]` : (strings[name] ?? '');
  };
  return held.map(({ text, node }) => {
    const path: string[] = [];
    let at = node;
    for (let step = reachedBy.get(at); step && step.from >= 0; step = reachedBy.get(at)) {
      path.unshift(`${edgeName(step.edge)}: ${label(at)}`);
      at = step.from;
    }
    return { text, path };
  });
}
