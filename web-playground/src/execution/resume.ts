import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  print,
  separateOperations,
  visit,
} from 'graphql';
import type { GraphQLRequest, GraphQLResponse } from '../network/send';

/** The subscription fields that can be resumed after an event, by an argument with its id. */
export const RESUMABLE = new Set(['notificationAdded']);
const ARGUMENT = 'after';
/** How many events are asked for at once. */
const LATEST = 20;

interface Subscription {
  request: GraphQLRequest;
  document: DocumentNode;
}

/** The id of the latest event, after which a stream starts. */
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

/** Whether the request itself says after which event the stream starts. */
export function hasOwnStart({ request, document }: Subscription): boolean {
  const field = resumableField(getOperationAST(document, request.operationName));
  const after = field?.arguments?.find(({ name }) => name.value === ARGUMENT)?.value;
  if (after?.kind === Kind.VARIABLE) return typeof request.variables?.[after.name.value] === 'string';
  return after !== undefined && after.kind !== Kind.NULL;
}

/** How to ask for the latest events, as the subscription would send them. */
export interface LatestEvents {
  request: GraphQLRequest;
  /** The name of the event in the data of a response. */
  name: string;
}

/** The latest events with what the subscription selects of them; undefined where that is in a fragment of its root. */
export function latestEvents({ request, document }: Subscription): LatestEvents | undefined {
  const operation = getOperationAST(document, request.operationName);
  const field = resumableField(operation);
  if (!operation || !field?.selectionSet) return undefined;
  const own = separateOperations(document)[operation.name?.value ?? ''];
  const fragments = own?.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION) ?? [];
  const used = new Set<string>();
  for (const node of [field.selectionSet, ...fragments])
    visit(node, { Variable: ({ name }) => void used.add(name.value) });
  const variables =
    operation.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value)) ?? [];
  const definitions = variables.length > 0 ? `(${variables.map(print).join(', ')})` : '';
  const selections = print(field.selectionSet).replace('{', '{ _lyceumEventId: id');
  return {
    name: (field.alias ?? field.name).value,
    request: {
      query: [
        `query LatestEvents${definitions} { me { notifications(first: ${LATEST}) { nodes ${selections} } } }`,
        ...fragments.map(print),
      ].join('\n'),
      variables: Object.fromEntries(
        Object.entries(request.variables ?? {}).filter(([variable]) => used.has(variable)),
      ),
    },
  };
}

/** The events of a response to the request for the latest ones, the newest first; undefined if it has none. */
export function readLatestEvents(
  { name }: LatestEvents,
  { data }: GraphQLResponse<LatestEventNodes>,
): { id: string; response: GraphQLResponse<unknown> }[] | undefined {
  return data?.me?.notifications?.nodes.map(({ _lyceumEventId: id, ...event }) => ({
    id,
    response: { data: { [name]: event } },
  }));
}

export interface LatestEventNodes {
  me: { notifications: { nodes: { _lyceumEventId: string; [field: string]: unknown }[] } | null } | null;
}

function resumableField(operation: OperationDefinitionNode | null | undefined): FieldNode | undefined {
  return operation?.selectionSet.selections.find(
    (selection): selection is FieldNode =>
      selection.kind === Kind.FIELD && RESUMABLE.has(selection.name.value),
  );
}

/** The id of the event, if the document selects it. */
export function eventId(response: GraphQLResponse<unknown>): string | undefined {
  const [event] = Object.values((response.data ?? {}) as Record<string, unknown>);
  const id = (event as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}

/** The request that resumes after an event: missed events are sent first. */
export function resumeAfter(id: string, { request, document }: Subscription): GraphQLRequest {
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
