// Composes with a second composer, whose package is a development dependency and may be missing.

import type { GraphQLError } from "graphql";
import { withoutOneOf } from "./federation-version.ts";
import { toProblem } from "./locate.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";

export type CrossComposition =
  | { composes: true; supergraph: string }
  | { composes: false; problems: Problem[] };

export async function composeWithApollo(subgraphs: readonly Subgraph[]): Promise<CrossComposition> {
  const { composeServices } = await loadComposer();
  const result = composeServices(
    subgraphs.map(({ name, url, document }) => ({
      ...{ name, url: url ?? "" },
      typeDefs: withoutOneOf(document),
    })),
  );
  if (result.errors) {
    const problems = result.errors.map((error: GraphQLError) => toProblem(error, subgraphs));
    return { composes: false, problems };
  }
  return { composes: true, supergraph: result.supergraphSdl };
}

export async function isApolloInstalled(): Promise<boolean> {
  return loadComposer().then(
    () => true,
    () => false,
  );
}

async function loadComposer(): Promise<typeof import("@apollo/composition")> {
  try {
    return await import("@apollo/composition");
  } catch {
    throw new CouldNotRun({
      code: "SECOND_COMPOSER_MISSING",
      message:
        "@apollo/composition is not installed; run `npm ci` in schema-check/ (with development dependencies)",
    });
  }
}
