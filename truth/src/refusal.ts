// How the reference says that something is wrong.

import { GraphQLError } from "graphql";

export function refuse(code: string): GraphQLError {
  return new GraphQLError(code, { extensions: { code } });
}

/** An operation whose outcome the reference cannot foretell: it is not asked. */
export class Unpredictable extends Error {}
