// The reference: graphql-js over the rows. It shares no code with the router and the subgraphs.

import { execute, GraphQLError, type GraphQLSchema } from "graphql";
import type { Cursors } from "./cursors.ts";
import { changesOf } from "./effects.ts";
import { type Mutant, misanswer, misread } from "./mutants.ts";
import { type Answer, isMutation, type Operation, type Problem } from "./operation.ts";
import type { Permissions } from "./permissions.ts";
import { Unpredictable } from "./refusal.ts";
import { Execution } from "./resolvers.ts";
import type { Tables } from "./rows.ts";

export interface Expected extends Answer {
  /** Whether something deleted was pointed to. */
  hasDeadKeys: boolean;
  /** What the operation should have changed in the databases. */
  changes: string[];
}

/** All that answers depend on, besides the operation. */
export interface World {
  schema: GraphQLSchema;
  permissions: Permissions;
  tables: Tables;
  cursors: Cursors;
  mutant: Mutant | undefined;
}

export class Reference {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** @throws Unpredictable where it cannot know the answer */
  async answer(operation: Operation): Promise<Expected> {
    const execution = new Execution(this.#world, operation.viewer);
    const expected = await this.#execute(operation, execution);
    if (this.#world.mutant !== "parallel-mutations" || !isMutation(operation)) return expected;
    // Now that everything has taken effect.
    return this.#execute(operation, new Execution(this.#world, operation.viewer, execution));
  }

  async #execute(operation: Operation, execution: Execution): Promise<Expected> {
    const { schema, mutant } = this.#world;
    const result = await execute({
      schema,
      document: misread(operation.document, mutant),
      variableValues: operation.variables,
      operationName: operation.operationName ?? null,
      fieldResolver: (source, args, _, info) => execution.resolve(source, args, info),
    });
    const errors = result.errors ?? [];
    for (const error of errors) if (!isExpected(error)) throw error.originalError ?? error;
    // One that failed and may not be null has taken `data` along. The specification leaves it open whether those after
    // it take effect.
    if (execution.mutationsLeft > 0) throw new Unpredictable("the mutations after a failure");
    // graphql-js makes objects without a prototype.
    const data = JSON.parse(JSON.stringify(result.data ?? null));
    return {
      data: mutant ? misanswer(data, mutant, execution.parentsOfDead) : data,
      errors: errors.map(problem),
      hasDeadKeys: execution.hasDeadKeys,
      changes: isMutation(operation) ? changesOf(this.#world.tables, execution.context.tables) : [],
    };
  }
}

/** A fault of the reference itself must not pass for an answer. */
function isExpected({ extensions, originalError, message }: GraphQLError): boolean {
  if (extensions.code !== undefined) return true;
  const isGraphqls = originalError === undefined || originalError instanceof GraphQLError;
  return isGraphqls && !message.startsWith("Cannot return null");
}

function problem(error: GraphQLError): Problem {
  // graphql-js has no codes of its own: what it refuses while it executes is a value that does not fit.
  const code = error.extensions.code ?? "BAD_USER_INPUT";
  return { code: `${code}`, path: [...(error.path ?? [])] };
}
