import rows from '../../../docs/permissions.json';

interface Row {
  subgraph: string;
  who: string;
  through?: Record<string, string>;
}

export interface FieldAccess {
  /** The rule, in a sentence. */
  means: string;
  /** Other rules for objects reached through certain fields. */
  exceptions: { through: string; means: string }[];
}

const fields: Record<string, Row | undefined> = rows.fields;
const rules: Record<string, { means: string } | undefined> = rows.rules;
const types: Record<string, { ownerIs?: string } | undefined> = rows.types;

/** Who may access a field; undefined for fields of input types. */
export function fieldAccess(type: string, field: string): FieldAccess | undefined {
  const row = fields[`${type}.${field}`];
  if (!row) return undefined;
  return {
    means: meaning(row.who),
    exceptions: Object.entries(row.through ?? {}).map(([through, who]) => ({ through, means: meaning(who) })),
  };
}

/** Describes the owner of a type that has one. */
export function ownerOf(type: string): string | undefined {
  return types[type]?.ownerIs;
}

function meaning(who: string): string {
  return rules[who]?.means ?? who;
}
