import { activeTab, graphiqlState } from '../editor/graphiql-state';
import { replaceText } from '../editor/undo';
import { activeEnvironment, type Environment } from '../environments/environments';
import { fillPlaceholders, placeholdersIn } from './placeholders';

/** The placeholders for which the environment has no value. */
export function missingIn(
  variables: string,
  environment: Environment | undefined = activeEnvironment(),
): string[] {
  return placeholdersIn(variables).filter((name) => !Object.hasOwn(environment?.variables ?? {}, name));
}

/** Fills the placeholders in the variables of the active tab, as far as there are values; returns the others. */
export async function fillActiveTab(): Promise<string[]> {
  const tab = activeTab();
  if (!tab || missingIn(tab.variables).length === 0) return [];
  const filled = await fillPlaceholders(tab.variables);
  const now = activeTab();
  // Another tab may have been opened, or the variables edited meanwhile.
  if (now?.id !== tab.id || now.variables !== tab.variables) return missingIn(now?.variables ?? '');
  const { variableEditor } = graphiqlState() ?? {};
  if (variableEditor) replaceText(variableEditor, filled);
  return missingIn(filled);
}
