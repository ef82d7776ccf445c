import { tryParseJSONC, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { create } from 'zustand';
import { useOperationNameAtCursor } from '../editor/cursor';
import { useSession } from '../session/session';
import { useCanTrace } from '../session/trace-access';
import { type PlanResult, requestPlan } from './request-plan';

interface Operation {
  query: string;
  /** As typed in the editor. */
  variables: string;
  operationName: string | null;
}

/** How long typing has to pause before a plan is requested. */
const DEBOUNCE_MS = 400;

/** The plan of the operation in the editor; undefined while there is no operation. */
export const useCurrentPlan = create<{ result: PlanResult | undefined }>(() => ({ result: undefined }));

/** Requests a new plan when typing has paused, or another user signs in. */
export function usePlanUpdates(): void {
  const operation = useDebouncedOperation();
  const isAllowed = useCanTrace();
  const token = useSession(({ session }) => session?.accessToken);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the limits depend on the viewer.
  useEffect(() => {
    if (!isAllowed || !operation.query.trim()) {
      useCurrentPlan.setState({ result: undefined });
      return;
    }
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const update = async () => {
      const result = await plan(operation);
      if (!isCurrent) return;
      useCurrentPlan.setState({ result });
      const seconds = result.errors[0]?.extensions?.retryAfter;
      if (typeof seconds === 'number') timer = setTimeout(update, seconds * 1_000);
    };
    void update();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [operation, isAllowed, token]);
}

async function plan({ query, variables, operationName }: Operation): Promise<PlanResult> {
  let values: Record<string, unknown> | undefined;
  try {
    values = tryParseJSONC(variables);
  } catch (error) {
    return { errors: [{ message: `Variables ${messageOf(error)}` }] };
  }
  return requestPlan({ query, variables: values, operationName }).catch((error: unknown) => ({
    errors: [{ message: messageOf(error) }],
  }));
}

/** The operation and variables in the editors, once typing has paused. */
function useDebouncedOperation(): Operation {
  const { query, variables } = useGraphiQL(({ tabs, activeTabIndex }) => ({
    query: tabs[activeTabIndex]?.query ?? '',
    variables: tabs[activeTabIndex]?.variables ?? '',
  }));
  const operationName = useOperationNameAtCursor(query) ?? null;
  const [debounced, setDebounced] = useState({ query, variables, operationName });

  useEffect(() => {
    const timer = setTimeout(() => setDebounced({ query, variables, operationName }), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [query, variables, operationName]);

  return debounced;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
