import { createServer, type IncomingMessage, type Server } from 'node:http';

/** The amounts that the bank of the tests declines, and decides a moment later. */
export const DECLINED_AMOUNT = '66.66';
export const PENDING_AMOUNT = '77.77';

const DECISION_MS = 4_000;

interface Charge {
  id: string;
  amount: string;
  currency: string;
  status: 'completed' | 'declined' | 'pending';
}

/** A payment provider as docs/payment-provider.md describes them, which decides by the amount. */
export function startProvider(port: number): Promise<Server> {
  const charges = new Map<string, Charge>();
  const server = createServer(async (incoming, outgoing) => {
    const answer = (status: number, body: unknown) => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(body));
    };
    if (incoming.method === 'POST' && incoming.url === '/v1/charges') {
      const asked = JSON.parse(await text(incoming)) as Charge;
      const charge = charges.get(asked.id) ?? decide(asked);
      charges.set(charge.id, charge);
      answer(200, charge);
      return;
    }
    const charge = charges.get(incoming.url?.split('/').at(-1) ?? '');
    if (charge) answer(200, charge);
    else answer(404, { error: 'charge_not_found' });
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

function decide({ id, amount, currency }: Charge): Charge {
  const charge: Charge = { id, amount, currency, status: 'completed' };
  if (amount === DECLINED_AMOUNT) charge.status = 'declined';
  if (amount === PENDING_AMOUNT) {
    charge.status = 'pending';
    setTimeout(() => {
      charge.status = 'completed';
    }, DECISION_MS);
  }
  return charge;
}

async function text(incoming: IncomingMessage): Promise<string> {
  let body = '';
  for await (const part of incoming) body += part;
  return body;
}
