// The contracts of a composed graph.

import { type DocumentNode, type GraphQLSchema, print, validateSchema } from "graphql";
import { apiSchema } from "./composition.ts";
import { filterSupergraph } from "./contract-filter.ts";
import { type Contract, contractProblem } from "./contracts-file.ts";
import { locatePath } from "./locate.ts";
import type { Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";
import type { ContractFilter } from "./tagged-graph.ts";

export interface ComposedContract {
  name: string;
  filter: ContractFilter;
  /** Printed on demand. */
  readonly supergraph: string;
  /** The supergraph, parsed. */
  document: DocumentNode;
  api: GraphQLSchema;
}

/** Contracts with problems are not composed. */
export interface ComposedContracts {
  composed: ComposedContract[];
  problems: Problem[];
}

export function composeContracts(
  supergraph: DocumentNode,
  contracts: readonly Contract[],
  subgraphs: readonly Subgraph[],
): ComposedContracts {
  const problems: Problem[] = [];
  const composed: ComposedContract[] = [];
  for (const contract of contracts) {
    const result = composeContract(supergraph, contract);
    if ("problems" in result) {
      problems.push(
        ...result.problems.map((problem) =>
          contractProblem(contract, { ...problem, location: locate(problem, subgraphs) }),
        ),
      );
    } else composed.push(result);
  }
  return { composed, problems };
}

function composeContract(
  supergraph: DocumentNode,
  contract: Contract,
): ComposedContract | { problems: Problem[] } {
  const filtered = filterSupergraph(supergraph, contract);
  if ("problems" in filtered) return filtered;
  const { document } = filtered;
  const api = apiSchema(document);
  const problems = validateSchema(api).map(
    ({ message }): Problem => ({ code: "INVALID_SCHEMA", message }),
  );
  if (problems.length > 0) return { problems };
  const { name, include, exclude } = contract;
  return {
    ...{ name, filter: { include, exclude }, document, api },
    get supergraph() {
      return `${print(document)}\n`;
    },
  };
}

/** Where the subgraphs define `Type.field(argument:)`. */
function locate({ coordinate }: Problem, subgraphs: readonly Subgraph[]): Problem["location"] {
  if (coordinate === undefined) return undefined;
  return locatePath(coordinate.replace("(", ".").replace(":)", ""), subgraphs);
}
