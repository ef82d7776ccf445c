import { type ArgumentNode, type DocumentNode, type FieldNode, Kind, print, visit } from 'graphql';
import type { GraphQLReply, GraphQLRequest } from './send';

/** The subscriptions that go on after an event, and the argument that says after which one. */
export const RESUMABLE = new Set(['notificationAdded']);
const ARGUMENT = 'after';

/** What is the newest of what they tell: where a stream begins that has told nothing yet. */
export const LATEST = '{ me { notifications(first: 1) { nodes { id } } } }';

export interface Latest {
  me: { notifications: { nodes: { id: string }[] } | null } | null;
}

/** Whether the document follows something that goes on after an event. */
export function isResumable(document: DocumentNode): boolean {
  let isOne = false;
  visit(document, {
    Field({ name }) {
      isOne ||= RESUMABLE.has(name.value);
    },
  });
  return isOne;
}

/** The id of the event in this reply, where the document asks for it. */
export function newestId(reply: GraphQLReply<unknown>): string | undefined {
  const [event] = Object.values((reply.data ?? {}) as Record<string, unknown>);
  const id = (event as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}

/** The request that goes on after an event: the missed ones come first. */
export function resumeAfter(
  id: string,
  { request, document }: { request: GraphQLRequest; document: DocumentNode },
): GraphQLRequest {
  const variables = { ...request.variables };
  const resumed = visit(document, {
    Field(field) {
      if (!RESUMABLE.has(field.name.value)) return undefined;
      const after = field.arguments?.find((argument) => argument.name.value === ARGUMENT);
      if (after?.value.kind !== Kind.VARIABLE) return startingAfter(id, field);
      variables[after.value.name.value] = id;
      return undefined;
    },
  });
  return { ...request, variables, query: print(resumed) };
}

function startingAfter(id: string, field: FieldNode): FieldNode {
  const after: ArgumentNode = {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: ARGUMENT },
    value: { kind: Kind.STRING, value: id },
  };
  const others = (field.arguments ?? []).filter((argument) => argument.name.value !== ARGUMENT);
  return { ...field, arguments: [...others, after] };
}
