export interface Meaning {
  /** What has happened. */
  means: string;
  /** What to do about it. */
  remedy: string;
}

/** The codes in `errors`, as the router gives them out. */
export const MEANINGS: Record<string, Meaning> = {
  GRAPHQL_PARSE_FAILED: {
    means: 'The document is not GraphQL: it could not be read.',
    remedy: 'Look at the line and column of the error; the editor underlines the place.',
  },
  GRAPHQL_VALIDATION_FAILED: {
    means: 'The document asks for something that the graph does not have, or in a way it does not allow.',
    remedy: 'Compare with Docs. Nothing was executed.',
  },
  BAD_USER_INPUT: {
    means:
      'A variable or an argument has a value that is not allowed, or the request is not a GraphQL request.',
    remedy: 'The path and the message name the place.',
  },
  UNAUTHENTICATED: {
    means: 'Nobody is signed in, or the access token is no longer accepted.',
    remedy: 'Sign in with the button in the header.',
  },
  FORBIDDEN: {
    means: 'Whoever is signed in may not see or do this.',
    remedy: 'Look at the field in Map: it says who may. Then sign in as somebody else.',
  },
  RATE_LIMITED: {
    means: 'Too many attempts in a short time.',
    remedy: 'Wait as many seconds as `retryAfter` says.',
  },
  SERVICE_UNAVAILABLE: {
    means: 'A part of the graph is away or too slow. What the other parts have answered is there.',
    remedy: 'Try again. If the answer took too long, ask for less at once.',
  },
  INTERNAL_SERVER_ERROR: {
    means:
      'Something went wrong on the server. No more is told to clients; the log knows it by its `requestId`.',
    remedy: 'Try again, and look into the log of the server.',
  },
  MAX_DEPTH_EXCEEDED: {
    means: 'The fields are nested more deeply than the router allows.',
    remedy:
      'Ask for the inner part in an operation of its own. `limits` in router.config.yaml sets the depth.',
  },
  MAX_ALIASES_EXCEEDED: {
    means: 'The document has more aliases than the router allows.',
    remedy: 'Use several operations.',
  },
  MAX_DIRECTIVES_EXCEEDED: {
    means: 'The document has more directives than the router allows.',
    remedy: 'Use several operations.',
  },
  TOKEN_LIMIT_EXCEEDED: {
    means: 'The document is longer than the router allows, counted in words and signs.',
    remedy: 'Use several operations, and variables for long values.',
  },
  COST_ESTIMATED_TOO_EXPENSIVE: {
    means: 'The answer could become larger than the router allows.',
    remedy: 'Ask for shorter lists: `first` or `last`.',
  },
  COST_INVALID_SLICING_ARGUMENTS: {
    means: 'A list does not say how much of it is wanted.',
    remedy: 'Give it `first` or `last`.',
  },
  PAYLOAD_TOO_LARGE_CONTENT_LENGTH: {
    means: 'The request is larger than the router takes.',
    remedy: 'Send less at once.',
  },
  PAYLOAD_TOO_LARGE_BODY_STREAM: {
    means: 'The request is larger than the router takes.',
    remedy: 'Send less at once.',
  },
  REQUEST_HEADER_FIELDS_TOO_LARGE: {
    means: 'The headers of the request are larger than the router takes.',
    remedy: 'Look at the headers tab.',
  },
  SUBSCRIPTION_SCHEMA_RELOAD: {
    means: 'The graph has changed, and the live connection was closed for it.',
    remedy: 'Subscribe again.',
  },
};
