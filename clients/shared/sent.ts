/** A `fetch` that keeps what was sent, for steps that are about the requests themselves. */

export interface Sent {
  method: string;
  /** The parameters of GraphQL over HTTP, from the URL of a GET and the body of a POST; an array is a batch. */
  parameters: Record<string, unknown> | Record<string, unknown>[];
}

export function keepSent(): { sent: Sent[]; fetch: typeof fetch } {
  const sent: Sent[] = [];
  return {
    sent,
    fetch: async (input, init) => {
      const method = init?.method ?? 'GET';
      const parameters =
        method === 'GET'
          ? Object.fromEntries(new URL(String(input)).searchParams)
          : (JSON.parse(String(init?.body)) as Sent['parameters']);
      sent.push({ method, parameters });
      return fetch(input, init);
    },
  };
}

/** Whether each of the requests had the text of a document. */
export function hadDocuments(sent: Sent[]): boolean[] {
  return sent.map(({ parameters }) => 'query' in parameters);
}
