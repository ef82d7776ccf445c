// What each kind of finding is, for people who meet it on a code-scanning page.

import { lintRuleTexts } from "../lint.ts";
import type { Section } from "./report.ts";

export interface KindText {
  description: string;
  help: string;
}

export function kindText(kind: string, section: Section): KindText {
  return {
    description: lintRuleTexts[kind] ?? DESCRIPTIONS[kind] ?? described(kind),
    help: HELP[section],
  };
}

/** `FIELD_ARGUMENT_REMOVED`: "A field argument was removed." */
function described(kind: string): string {
  const [, subject, verb] = /^(.+)_(ADDED|REMOVED|CHANGED|WIDENED|NARROWED)$/.exec(kind) ?? [];
  const words = (text: string) => text.toLowerCase().replaceAll(/[_-]/g, " ");
  if (subject === undefined || verb === undefined)
    return `The graph has this problem: ${words(kind)}.`;
  const article = /^[AEIOU]/.test(subject) ? "An" : "A";
  return `${article} ${words(subject)} was ${words(verb)}.`;
}

const DESCRIPTIONS: Record<string, string> = {
  ACCESS_NARROWED: "A field is visible to fewer viewers than before.",
  ACCESS_WIDENED: "A field is visible to more viewers than before.",
  ACCESS_DENIAL_CHANGED: "A viewer who may not see a field is refused in another way than before.",
  ACCESS_FILE_REMOVED: "The file that says who may see what was removed.",
  ACCESS_OWNER_CHANGED: "A field or type has another owner, so its rule applies to other viewers.",
  COMPOSERS_DIFFER: "Two composers make different supergraphs of the same subgraphs.",
  INVALID_BASELINE: "The graph that this one is compared with is invalid.",
  INVALID_OPERATION: "A stored operation is not valid in the new schema.",
  INPUT_ONE_OF_ADDED: "An input object type now takes exactly one of its fields.",
  INPUT_ONE_OF_REMOVED: "An input object type now takes more than one of its fields.",
  PLAN_COST_INCREASED: "The router needs more requests or more sequential steps for an operation.",
  SATISFIABILITY_ERROR: "A query of the API schema cannot be answered by the subgraphs.",
  STALE_APPROVAL: "An approval covers no change any more.",
  CONSUMED_APPROVAL: "An approval was merged before, and does not cover making the change again.",
  UNPLANNABLE: "The router cannot plan an operation.",
  UNPLANNABLE_BASELINE: "The router cannot plan an operation, and could not before the change.",
  UNUSED_EXCEPTION: "An exception from a lint rule is not needed any more.",
};

const HELP: Record<Section, string> = {
  run: "Correct what the message names, and run the check again.",
  composition:
    "Correct the schema of the subgraph, so that all of them compose and both composers agree.",
  changes:
    "A breaking change fails the check if an operation uses what has changed. Deprecate it first, remove it from the operations, and then from the schema; or approve it with `lyceum-schema approve`.",
  permissions:
    "A change of who may see what fails the check if an operation loses access. Change the permissions back, or approve it with `lyceum-schema approve`.",
  operations: "Correct the document, or keep what it selects in the schema.",
  plans:
    "Look at where the fields of the operation are resolved. A cost that is intended needs no action.",
  lint: "Change the schema as the message says, or add an exception with a reason and a last day to the rules.",
  approvals: "Remove the approval, or approve the change again.",
};
