import { useEffect, useState } from 'react';
import type { LastResponse } from '../execution/response';
import { type PlanResult, requestPlan } from '../plan/request-plan';

/** The plan of an operation that was executed, which may differ from the one in the editor. Undefined until it is known. */
export function usePlanOfRun(response: LastResponse | undefined): PlanResult | undefined {
  const [known, setKnown] = useState<{ response: LastResponse; result: PlanResult }>();

  useEffect(() => {
    setKnown(undefined);
    if (!response) return;
    let isCurrent = true;
    requestPlan(response.request)
      .catch((error: unknown) => ({
        errors: [{ message: error instanceof Error ? error.message : String(error) }],
      }))
      .then((result) => {
        if (isCurrent) setKnown({ response, result });
      });
    return () => {
      isCurrent = false;
    };
  }, [response]);

  return known && known.response === response ? known.result : undefined;
}
