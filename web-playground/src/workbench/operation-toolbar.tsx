import { useGraphiQLActions } from '@graphiql/react';
import { lazy, Suspense, useState } from 'react';
import { runActiveTab } from '../editor/actions';
import { EnvironmentSelect } from '../environments/environment-select';
import { useActiveRun } from '../execution/runs';
import { ShareButton } from '../link/share-button';

const CopyDialog = lazy(() => import('../copy/copy-dialog'));

/** The buttons above the operation. */
export function OperationToolbar() {
  const { prettifyEditors, mergeQuery } = useGraphiQLActions();
  const [isCopying, setIsCopying] = useState(false);
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
      <button
        type="button"
        className="button"
        title="Copy as cURL, fetch, or code of a client"
        onClick={() => setIsCopying(true)}
      >
        Copy as…
      </button>
      <EnvironmentSelect />
      {isCopying && (
        <Suspense>
          <CopyDialog onClose={() => setIsCopying(false)} />
        </Suspense>
      )}
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
