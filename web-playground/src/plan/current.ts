import { tryParseJSONC, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { create } from 'zustand';
import { useMayLookInside } from '../session/insight';
import { useSession } from '../session/session';
import { askForPlan, type Planned } from './ask';

interface Operation {
  query: string;
  /** As they are typed. */
  variables: string;
  operationName: string | null;
}

/** Of typing, before the next plan is asked for. */
const PAUSE_MS = 400;

/** The plan of the operation in the editor, for whatever shows some of it; none while there is no operation. */
export const useCurrentPlan = create<{ planned: Planned | undefined }>(() => ({ planned: undefined }));

/** Asks for the plan anew whenever typing has paused, or somebody else signs in. */
export function useKeepPlan(): void {
  const operation = useOperation();
  const mayLook = useMayLookInside();
  const token = useSession(({ session }) => session?.accessToken);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the limits depend on who asks.
  useEffect(() => {
    if (!mayLook || !operation.query.trim()) {
      useCurrentPlan.setState({ planned: undefined });
      return;
    }
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const planned = await plan(operation);
      if (!isCurrent) return;
      useCurrentPlan.setState({ planned });
      const seconds = planned.errors[0]?.extensions?.retryAfter;
      if (typeof seconds === 'number') timer = setTimeout(ask, seconds * 1_000);
    };
    void ask();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [operation, mayLook, token]);
}

async function plan({ query, variables, operationName }: Operation): Promise<Planned> {
  let values: Record<string, unknown> | undefined;
  try {
    values = tryParseJSONC(variables);
  } catch (error) {
    return { errors: [{ message: `Variables ${messageOf(error)}` }] };
  }
  return askForPlan({ query, variables: values, operationName }).catch((error: unknown) => ({
    errors: [{ message: messageOf(error) }],
  }));
}

/** What the editors hold, once typing has paused. */
function useOperation(): Operation {
  const { query, variables, operationName } = useGraphiQL(({ tabs, activeTabIndex, operationName }) => ({
    query: tabs[activeTabIndex]?.query ?? '',
    variables: tabs[activeTabIndex]?.variables ?? '',
    operationName: operationName ?? null,
  }));
  const [settled, setSettled] = useState({ query, variables, operationName });

  useEffect(() => {
    const timer = setTimeout(() => setSettled({ query, variables, operationName }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query, variables, operationName]);

  return settled;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
