// The reference: graphql-js over the database rows. It shares no code with the router and the subgraphs.

import { execute, GraphQLError } from "graphql";
import type { ReferenceContext } from "./context.ts";
import { referenceChanges } from "./effects.ts";
import { Unpredictable } from "./errors.ts";
import { mutateData, mutateDocument } from "./mutants.ts";
import { isMutation, type Operation, type OperationResult, type ResultError } from "./operation.ts";
import { Execution } from "./resolvers.ts";

export interface ExpectedResult extends OperationResult {
  /** Whether a dangling reference was selected. */
  hasDanglingReferences: boolean;
  /** The changes that the operation should make in the databases. */
  changes: string[];
}

export class Reference {
  readonly #context: ReferenceContext;

  constructor(referenceContext: ReferenceContext) {
    this.#context = referenceContext;
  }

  /** @throws Unpredictable when the result is not predictable */
  async execute(operation: Operation): Promise<ExpectedResult> {
    const execution = new Execution(this.#context, operation.viewer);
    const expected = await this.#execute(operation, execution);
    if (this.#context.mutant !== "parallel-mutations" || !isMutation(operation)) return expected;
    // Again, now that all mutations have run.
    return this.#execute(operation, new Execution(this.#context, operation.viewer, execution));
  }

  async #execute(operation: Operation, execution: Execution): Promise<ExpectedResult> {
    const { schema, mutant } = this.#context;
    const result = await execute({
      schema,
      document: mutateDocument(operation.document, mutant),
      variableValues: operation.variables,
      operationName: operation.operationName ?? null,
      fieldResolver: (source, args, _, info) => execution.resolve(source, args, info),
    });
    const errors = result.errors ?? [];
    for (const error of errors) if (!isExpected(error)) throw error.originalError ?? error;
    // The router reads `ids` before it plans: without them, it rejects the whole request.
    const rejection = errors.find(({ message }) => message.startsWith('Argument "ids" '));
    if (rejection) {
      const error = { ...toResultError(rejection), path: [] };
      return { data: null, errors: [error], hasDanglingReferences: false, changes: [] };
    }
    // A non-null mutation field failed, so `data` is null. The specification does not define whether the mutations
    // after it are executed.
    if (execution.mutationsLeft > 0) throw new Unpredictable("the mutations after a failure");
    // graphql-js creates objects without a prototype.
    const data = JSON.parse(JSON.stringify(result.data ?? null));
    return {
      data: mutant ? mutateData(data, mutant, execution.parentsOfDangling) : data,
      errors: errors.map(toResultError),
      hasDanglingReferences: execution.hasDanglingReferences,
      changes: isMutation(operation)
        ? referenceChanges(this.#context.tables, execution.context.tables)
        : [],
    };
  }
}

/** A bug in the reference itself must not count as a result. */
function isExpected({ extensions, originalError, message }: GraphQLError): boolean {
  if (extensions.code !== undefined) return true;
  const isGraphqlJsError = originalError === undefined || originalError instanceof GraphQLError;
  return isGraphqlJsError && !message.startsWith("Cannot return null");
}

function toResultError(error: GraphQLError): ResultError {
  // graphql-js has no error codes: what it rejects during execution are invalid values.
  const code = error.extensions.code ?? "BAD_USER_INPUT";
  return { code: `${code}`, path: [...(error.path ?? [])] };
}
