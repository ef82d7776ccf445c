import { type ArgumentNode, type DocumentNode, type FieldNode, Kind, print, visit } from 'graphql';
import type { GraphQLRequest, GraphQLResponse } from '../network/send';

/** The subscription fields that can be resumed after an event, by an argument with its id. */
export const RESUMABLE = new Set(['notificationAdded']);
const ARGUMENT = 'after';

/** The id of the latest event, from which to resume a stream that has not received any yet. */
export const LATEST_EVENT_QUERY = '{ me { notifications(first: 1) { nodes { id } } } }';

export interface LatestEvent {
  me: { notifications: { nodes: { id: string }[] } | null } | null;
}

/** Whether the document subscribes to a resumable field. */
export function isResumable(document: DocumentNode): boolean {
  let isResumableField = false;
  visit(document, {
    Field({ name }) {
      isResumableField ||= RESUMABLE.has(name.value);
    },
  });
  return isResumableField;
}

/** The id of the event, if the document selects it. */
export function eventId(response: GraphQLResponse<unknown>): string | undefined {
  const [event] = Object.values((response.data ?? {}) as Record<string, unknown>);
  const id = (event as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}

/** The request that resumes after an event: missed events are sent first. */
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
  return { ...request, variables, query: print(resumed), extensions: withoutHash(request.extensions) };
}

/** The hash of a persisted query is that of the document as it was. */
function withoutHash(extensions: GraphQLRequest['extensions']): GraphQLRequest['extensions'] {
  const { persistedQuery: _, ...others } = extensions ?? {};
  return Object.keys(others).length > 0 ? others : undefined;
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
