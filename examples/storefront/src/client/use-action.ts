import type { TypedDocumentNode } from '@urql/core';
import { useCallback, useRef, useState } from 'react';
import { useClient } from 'urql';
import { ofError, ofUserErrors, type Problem } from './problems';

type Payload = { userErrors: Parameters<typeof ofUserErrors>[0] };

/**
 * A mutation behind a button or a form. While it runs, a second call (a double click) does nothing. Returns the data if
 * it succeeded; otherwise `problems` says why not.
 */
export function useAction<Data extends { [field: string]: Payload | null }, Variables extends object>(
  document: TypedDocumentNode<Data, Variables>,
) {
  const client = useClient();
  const running = useRef(false);
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problem[]>([]);

  const run = useCallback(
    async (variables: Variables): Promise<{ data?: Data; problems: Problem[] }> => {
      if (running.current) return { problems: [] };
      running.current = true;
      setBusy(true);
      setProblems([]);
      try {
        const { data, error } = await client.mutation(document, variables).toPromise();
        const found = Object.values(data ?? {}).flatMap((payload) => ofUserErrors(payload?.userErrors ?? []));
        const all = error ? [ofError(error), ...found] : found;
        setProblems(all);
        return data && all.length === 0 ? { data, problems: [] } : { problems: all };
      } finally {
        running.current = false;
        setBusy(false);
      }
    },
    [client, document],
  );
  return { run, busy, problems };
}
