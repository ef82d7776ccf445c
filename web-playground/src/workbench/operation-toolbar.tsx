import { useGraphiQLActions } from '@graphiql/react';
import { runActiveTab } from '../editor/actions';
import { useActiveRun } from '../execution/runs';
import { ShareButton } from '../link/share-button';

/** The buttons above the operation. */
export function OperationToolbar() {
  const { prettifyEditors, mergeQuery } = useGraphiQLActions();
  return (
    <div className="operation-toolbar" role="toolbar" aria-label="Editor commands">
      <RunButton />
      <button
        type="button"
        className="button"
        aria-label="Prettify query (Shift-Ctrl-P)"
        title="Format the operation and its variables (Shift+Ctrl+P)"
        onClick={() => void prettifyEditors()}
      >
        Prettify
      </button>
      <button
        type="button"
        className="button"
        title="Write the fields of fragments where they are used (Shift+Ctrl+M)"
        onClick={mergeQuery}
      >
        Merge
      </button>
      <ShareButton />
    </div>
  );
}

function RunButton() {
  const isRunning = useActiveRun()?.isRunning ?? false;
  const label = isRunning ? 'Stop' : 'Execute';
  return (
    <button
      type="button"
      className="button button-main graphiql-execute-button"
      aria-label={isRunning ? 'Stop query (Ctrl-Enter)' : 'Execute query (Ctrl-Enter)'}
      title={`${label} the operation at the cursor (Ctrl+Enter)`}
      onClick={runActiveTab}
    >
      <svg className="button-icon" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
        <path d={isRunning ? 'M3.5 3.5h9v9h-9z' : 'M4 2.5v11L13.5 8z'} />
      </svg>
      {label}
    </button>
  );
}
