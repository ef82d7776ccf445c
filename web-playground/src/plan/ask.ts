import { type Cost, readCost } from '../cost/cost';
import { type GraphQLFailure, type GraphQLRequest, send } from '../network/send';
import { freshToken } from '../session/session';
import type { PlanNode } from './steps';

export interface Planned {
  plan?: PlanNode | undefined;
  cost?: Cost | undefined;
  /** Why there is no plan. */
  errors: GraphQLFailure[];
}

/**
 * A subscription has a plan only for those who accept events, though it comes as JSON; and as plain JSON the answer to
 * a document that is half typed has no status that the browser's console would report.
 */
const ACCEPT = 'application/json, text/event-stream;q=0.1';

/** Asks how the router would answer, and what that would cost; nothing is executed. */
export async function askForPlan(request: GraphQLRequest): Promise<Planned> {
  // A proxy that drops the header would make the dry run of a mutation a real one.
  if (request.query.includes('mutation')) {
    const { errors, plan } = await dryRun({ query: '{ __typename }' });
    if (!plan) return { errors };
  }
  return dryRun(request);
}

async function dryRun(request: GraphQLRequest): Promise<Planned> {
  const token = await freshToken();
  const headers = {
    'hive-expose-query-plan': 'dry-run',
    'lyceum-cost': '1',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  };
  const { extensions, errors } = await send(request, headers, ACCEPT);
  const plan = extensions?.queryPlan as PlanNode | undefined;
  if (plan) return { plan, cost: readCost(extensions?.cost), errors: [] };
  return { errors: errors ?? [{ message: 'The server gave no plan.' }] };
}
