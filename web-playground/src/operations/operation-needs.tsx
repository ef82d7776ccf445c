import { Range, useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';
import { useEnvironments } from '../environments/environments';
import { useSession } from '../session/session';
import { SignInAs } from '../session/sign-in-as';
import { fillActiveTab, missingIn } from './fill';
import { describeViewers, isFor, viewersOf } from './viewers';
import './operation-needs.css';

/** What is missing before the operation can be run: somebody to run it for, or values of variables. */
export function OperationNeeds() {
  const { query, variables } = useGraphiQL(({ tabs, activeTabIndex }) => ({
    query: tabs[activeTabIndex]?.query ?? '',
    variables: tabs[activeTabIndex]?.variables ?? '',
  }));
  const role = useSession(({ session }) => session?.user.role);
  const viewers = viewersOf(query);
  const isWanted = isFor(viewers, role);
  const environment = useEnvironments(({ environments, active }) =>
    environments.find(({ name }) => name === active),
  );
  const missing = missingIn(variables, environment);
  useFilledVariables(missing.length > 0);
  useMarkedPlaceholders(variables);

  if (isWanted && missing.length === 0) return null;
  return (
    <div className="needs" role="status">
      {!isWanted && (
        <p>
          This operation is for {describeViewers(viewers)}.{' '}
          {role ? `You are signed in as ${describeViewers([role.toLowerCase()])}.` : 'Nobody is signed in.'}{' '}
          <SignInAs viewers={viewers} />
        </p>
      )}
      {missing.length > 0 && (
        <p>
          No value was found for <code>{missing.join(', ')}</code>: it is marked in the variables.{' '}
          <button type="button" className="button" onClick={() => void fillActiveTab()}>
            Look again
          </button>
        </p>
      )}
    </div>
  );
}

/** Looks for values again when somebody else is signed in, or another tab is opened. */
function useFilledVariables(hasPlaceholders: boolean): void {
  const viewer = useSession(({ session }) => session?.user.id);
  const tab = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.id);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the values depend on the viewer.
  useEffect(() => {
    if (hasPlaceholders) void fillActiveTab();
  }, [viewer, tab, hasPlaceholders]);
}

function useMarkedPlaceholders(variables: string): void {
  const editor = useGraphiQL((state) => state.variableEditor);
  useEffect(() => {
    const model = editor?.getModel();
    if (!editor || !model) return;
    const marks = [...variables.matchAll(/\{\{\w+\}\}/g)].map((match) => {
      const [start, end] = [
        model.getPositionAt(match.index),
        model.getPositionAt(match.index + match[0].length),
      ];
      return {
        range: new Range(start.lineNumber, start.column, end.lineNumber, end.column),
        options: { inlineClassName: 'placeholder-missing' },
      };
    });
    const collection = editor.createDecorationsCollection(marks);
    return () => collection.clear();
  }, [editor, variables]);
}
