import type { Fetcher } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';
import { send } from '../network/send';
import { sortTypes } from './introspection';

/**
 * GraphiQL's fetcher, which only introspects: `execute.ts` executes the operations of the tabs. Introspection is sent
 * without a token, so that an expired one cannot make it fail.
 */
export const fetcher: Fetcher = async (params) =>
  sortTypes((await send<ExecutionResult['data']>(params)) as unknown as ExecutionResult);
