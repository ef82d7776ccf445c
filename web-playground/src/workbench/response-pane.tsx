import { lazy, Suspense, useState } from 'react';
import { runActiveTab } from '../editor/actions';
import type { LastResponse } from '../execution/response';
import { type Run, useActiveRun } from '../execution/runs';
import { download } from '../files/download';
import { showBriefNotice } from '../notice/notice';
import { ResponseFooter } from '../response/response-footer';
import { GuidedStart } from '../start/guided-start';
import { JsonView } from './json-view';
import { SchemaProblem } from './schema-problem';

const TableView = lazy(() => import('../response/table-view'));
const TreeView = lazy(() => import('../response/tree-view'));
const VIEWS = ['JSON', 'Table', 'Tree'] as const;
type View = (typeof VIEWS)[number];

/** The response of the active tab, and what is known about it. */
export function ResponsePane() {
  const run = useActiveRun();
  const [view, setView] = useState<View>('JSON');
  const [search, setSearch] = useState('');
  const response = run?.response ?? null;
  const isJson = view === 'JSON' || !response;
  const text = run?.text ?? '';

  return (
    <>
      {response && (
        <ResponseToolbar
          run={run as Run}
          response={response}
          view={view}
          onView={setView}
          search={search}
          onSearch={setSearch}
        />
      )}
      <SchemaProblem />
      <GuidedStart />
      {run?.problem && <RunProblem {...run.problem} />}
      {run?.isRunning && <p className="response-running">{run.stream ? '' : 'Running…'}</p>}
      <div className={`result-room ${isJson ? '' : 'result-hidden'} ${text ? '' : 'result-empty'}`}>
        <JsonView text={text} />
      </div>
      {!isJson && (
        <Suspense fallback={<p className="response-running">Loading…</p>}>
          {view === 'Table' ? (
            <TableView data={response?.response.data} search={search} />
          ) : (
            <TreeView data={response?.response} search={search} />
          )}
        </Suspense>
      )}
      <ResponseFooter />
    </>
  );
}

function RunProblem({ message, canRetry }: { message: string; canRetry: boolean }) {
  return (
    <div className="response-problem" role="alert">
      <p>{message}</p>
      {canRetry && (
        <button type="button" className="button button-main" onClick={runActiveTab}>
          Try again
        </button>
      )}
    </div>
  );
}

interface ToolbarProps {
  run: Run;
  response: LastResponse;
  view: View;
  onView: (view: View) => void;
  search: string;
  onSearch: (search: string) => void;
}

function ResponseToolbar({ run, response, view, onView, search, onSearch }: ToolbarProps) {
  const [showsHeaders, setShowsHeaders] = useState(false);
  return (
    <>
      <div className="response-toolbar" role="toolbar" aria-label="Response">
        {VIEWS.map((one) => (
          <button
            key={one}
            type="button"
            className="button"
            aria-pressed={one === view}
            onClick={() => onView(one)}
          >
            {one}
          </button>
        ))}
        {view !== 'JSON' && (
          <input
            type="search"
            className="response-search"
            aria-label="Search the response"
            placeholder="Search"
            value={search}
            onChange={(event) => onSearch(event.target.value)}
          />
        )}
        <button
          type="button"
          className="button response-status"
          data-good={response.status < 300}
          aria-expanded={showsHeaders}
          aria-label={`Status ${response.status}, headers`}
          title="The HTTP status; shows the headers of the response"
          onClick={() => setShowsHeaders(!showsHeaders)}
        >
          {response.status} ▾
        </button>
        <button
          type="button"
          className="button"
          aria-label="Copy the response"
          onClick={() => {
            void navigator.clipboard.writeText(run.text).then(() => showBriefNotice('Response copied.'));
          }}
        >
          Copy
        </button>
        <button
          type="button"
          className="button"
          aria-label="Save the response as a file"
          onClick={() =>
            download(`${response.operationName || 'response'}.json`, 'application/json', run.text)
          }
        >
          Save
        </button>
      </div>
      {showsHeaders && (
        <dl className="response-headers" aria-label="Headers of the response">
          {response.headers.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}
