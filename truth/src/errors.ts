// The errors of the reference.

import { GraphQLError } from "graphql";

export function codedError(code: string): GraphQLError {
  return new GraphQLError(code, { extensions: { code } });
}

/** The result of the operation is not predictable, so it is not sent. */
export class Unpredictable extends Error {}
