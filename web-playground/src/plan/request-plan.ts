import { type Cost, readCost } from '../cost/cost';
import { type GraphQLRequest, type GraphQLResponseError, send } from '../network/send';
import { validToken } from '../session/session';
import type { PlanNode } from './steps';

export interface PlanResult {
  plan?: PlanNode | undefined;
  cost?: Cost | undefined;
  /** Why there is no plan. */
  errors: GraphQLResponseError[];
}

/**
 * The plan of a subscription is returned only if the client accepts an event stream, although it is sent as JSON.
 * Plain JSON responses have status 200 even for an incomplete document, which keeps the browser's console clean.
 */
const ACCEPT = 'application/json, text/event-stream;q=0.1';

/** Requests the query plan and estimated cost of an operation. Nothing is executed. */
export async function requestPlan(request: GraphQLRequest): Promise<PlanResult> {
  // If a proxy drops the header, a mutation would be executed: check with a harmless query first.
  if (request.query.includes('mutation')) {
    const { errors, plan } = await dryRun({ query: '{ __typename }' });
    if (!plan) return { errors };
  }
  return dryRun(request);
}

async function dryRun(request: GraphQLRequest): Promise<PlanResult> {
  const token = await validToken();
  const headers = {
    'hive-expose-query-plan': 'dry-run',
    'lyceum-cost': '1',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  };
  const { extensions, errors } = await send(request, headers, ACCEPT);
  const plan = extensions?.queryPlan as PlanNode | undefined;
  if (plan) return { plan, cost: readCost(extensions?.cost), errors: [] };
  return { errors: errors ?? [{ message: 'The server returned no plan.' }] };
}
