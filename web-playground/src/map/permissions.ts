import rows from '../../../docs/permissions.json';

interface Row {
  subgraph: string;
  who: string;
  through?: Record<string, string>;
}

export interface Audience {
  /** In a sentence. */
  means: string;
  /** The ways on which it is another one. */
  exceptions: { through: string; means: string }[];
}

const fields: Record<string, Row | undefined> = rows.fields;
const rules: Record<string, { means: string } | undefined> = rows.rules;
const types: Record<string, { ownerIs?: string } | undefined> = rows.types;

/** Who may see a field; nothing for what is no field of an object, such as an input's. */
export function audienceOf(type: string, field: string): Audience | undefined {
  const row = fields[`${type}.${field}`];
  if (!row) return undefined;
  return {
    means: meaning(row.who),
    exceptions: Object.entries(row.through ?? {}).map(([through, who]) => ({ through, means: meaning(who) })),
  };
}

/** Whom "the owner" means, for a type that has one. */
export function ownerOf(type: string): string | undefined {
  return types[type]?.ownerIs;
}

function meaning(who: string): string {
  return rules[who]?.means ?? who;
}
