import { type GraphQLFailure, type GraphQLRequest, send } from '../network/send';
import { freshToken } from '../session/session';
import type { PlanNode } from './steps';

export type Planned = { plan: PlanNode } | { errors: GraphQLFailure[] };

/** Asks how the router would answer; nothing is executed. */
export async function askForPlan(request: GraphQLRequest): Promise<Planned> {
  const token = await freshToken();
  const reply = await send(request, {
    'hive-expose-query-plan': 'dry-run',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  });
  const plan = reply.extensions?.queryPlan as PlanNode | undefined;
  if (plan) return { plan };
  return { errors: reply.errors ?? [{ message: 'The server gave no plan.' }] };
}
