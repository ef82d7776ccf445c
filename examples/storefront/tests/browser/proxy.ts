import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Proxy {
  url: string;
  /** Breaks all connections, as a network does. */
  cut: () => void;
  /** Sends no more of the answers that have begun, and tells nobody, as a network does that a machine has left. */
  freeze: () => void;
  close: () => void;
}

/** A server in front of `target`, which answers what `own` does not. */
export async function startProxy(
  target: URL,
  own: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean = () => false,
): Promise<Proxy> {
  const answers = new Map<ServerResponse, IncomingMessage>();
  const server = createServer((incoming, outgoing) => {
    if (!own(incoming, outgoing)) pass(incoming, outgoing, target, answers);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    cut: () => server.closeAllConnections(),
    freeze: () => {
      for (const [outgoing, response] of answers) response.unpipe(outgoing);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: URL,
  answers: Map<ServerResponse, IncomingMessage>,
): void {
  const { method = 'GET', url = '/' } = incoming;
  const passed = request(new URL(url, target), {
    method,
    headers: { ...incoming.headers, host: target.host },
  });
  passed.on('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    outgoing.flushHeaders();
    response.pipe(outgoing);
    answers.set(outgoing, response);
  });
  passed.on('error', () => outgoing.destroy());
  outgoing.on('close', () => {
    answers.delete(outgoing);
    passed.destroy();
  });
  incoming.pipe(passed);
}
