import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Proxy {
  url: string;
  /** Breaks all connections, as a network does. */
  cut: () => void;
  close: () => void;
}

/** A server in front of `target`, which answers what `own` does not. */
export async function startProxy(
  target: URL,
  own: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean = () => false,
): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => {
    if (!own(incoming, outgoing)) pass(incoming, outgoing, target);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    cut: () => server.closeAllConnections(),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: URL): void {
  const { method = 'GET', url = '/' } = incoming;
  const passed = request(new URL(url, target), {
    method,
    headers: { ...incoming.headers, host: target.host },
  });
  passed.on('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    outgoing.flushHeaders();
    response.pipe(outgoing);
  });
  passed.on('error', () => outgoing.destroy());
  outgoing.on('close', () => passed.destroy());
  incoming.pipe(passed);
}
