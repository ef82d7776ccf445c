import { type ChangeEvent, useState } from 'react';
import { useActiveRun } from '../execution/runs';
import { download } from '../files/download';
import { showBriefNotice, showError } from '../notice/notice';
import { Panel } from '../panel/panel';
import { useCanTrace } from '../session/trace-access';
import { Comparison } from './comparison';
import { toChromeTrace, toOpenTelemetry } from './export';
import { useKeptTrace } from './kept-trace';
import { type RecordedTrace, readTraceFile, recordTrace, writeTraceFile } from './recorded';
import { WaterfallView } from './waterfall-view';
import './trace-panel.css';

const LEAD = 'Where the last response spent its time: in the router, the subgraphs and their SQL.';

const NO_SUBSCRIPTION_TRACE = 'Subscriptions have no trace. Run a query or mutation to see its trace.';

/** The trace of the last response, or one from a file; alone, or compared with another one. */
export default function TracePanel() {
  const { baseline, opened } = useKeptTrace();
  const run = useActiveRun();
  const isAllowed = useCanTrace();
  const last = run?.response ? recordTrace(run.response) : undefined;
  const shown = opened ?? last;
  const [isComparing, setIsComparing] = useState(true);
  // What is recorded of the last run is made anew each time, and its trace is not.
  const isAnother = Boolean(baseline && shown && baseline.trace !== shown.trace);
  const isCompared = isAnother && isComparing;

  return (
    <Panel title="Trace" lead={LEAD} actions={<OpenFile />}>
      {opened && <Opened recorded={opened} />}
      {shown && (opened || isAllowed) ? (
        <>
          <TraceActions
            shown={shown}
            isCompared={isCompared}
            onCompare={isAnother ? () => setIsComparing(!isCompared) : undefined}
          />
          {isCompared && baseline ? (
            <Comparison before={baseline} after={shown} />
          ) : (
            <WaterfallView key={shown.receivedAt} recorded={shown} />
          )}
        </>
      ) : (
        <p>{absence(isAllowed, Boolean(run?.stream), Boolean(run?.response))}</p>
      )}
    </Panel>
  );
}

function absence(isAllowed: boolean, isStream: boolean, hasResponse: boolean): string {
  if (!isAllowed) return 'Traces are available on development servers, and to admins.';
  if (isStream) return NO_SUBSCRIPTION_TRACE;
  return hasResponse ? 'The last response has no trace.' : 'Run an operation to see its trace.';
}

function OpenFile() {
  async function openFile(event: ChangeEvent<HTMLInputElement>) {
    const [file] = event.target.files ?? [];
    if (!file) return;
    try {
      useKeptTrace.setState({ opened: readTraceFile(await file.text()) });
    } catch (error) {
      showError(`${file.name} was not opened. ${error instanceof Error ? error.message : String(error)}`);
    }
    event.target.value = '';
  }

  return (
    <label className="button file-button">
      Open
      <input
        type="file"
        className="visually-hidden"
        accept=".json"
        aria-label="Open a trace"
        onChange={openFile}
      />
    </label>
  );
}

function Opened({ recorded: { receivedAt } }: { recorded: RecordedTrace }) {
  return (
    <p className="trace-opened" role="status">
      From a file, recorded {new Date(receivedAt).toLocaleString()}.{' '}
      <button type="button" className="button" onClick={() => useKeptTrace.setState({ opened: undefined })}>
        Show the last run
      </button>
    </p>
  );
}

interface ActionsProps {
  shown: RecordedTrace;
  isCompared: boolean;
  onCompare: (() => void) | undefined;
}

function TraceActions({ shown, isCompared, onCompare }: ActionsProps) {
  const name = shown.operationName.replaceAll(/\W+/g, '-');
  const save = (suffix: string, content: string) =>
    download(`${name}.${suffix}.json`, 'application/json', content);
  return (
    <div className="trace-actions">
      <button
        type="button"
        className="button"
        title="Compare later runs with this one"
        onClick={() => {
          useKeptTrace.setState({ baseline: shown });
          showBriefNotice('Kept: the next run is compared with it.');
        }}
      >
        Keep to compare
      </button>
      {onCompare && (
        <button type="button" className="button" aria-pressed={isCompared} onClick={onCompare}>
          Compare
        </button>
      )}
      <button type="button" className="button" onClick={() => save('trace', writeTraceFile(shown))}>
        Save
      </button>
      <button
        type="button"
        className="button"
        title="Save as OpenTelemetry’s JSON"
        onClick={() => save('otlp', toOpenTelemetry(shown))}
      >
        OpenTelemetry
      </button>
      <button
        type="button"
        className="button"
        title="Save in Chrome’s trace format, for Perfetto and speedscope"
        onClick={() => save('chrome', toChromeTrace(shown))}
      >
        Chrome
      </button>
    </div>
  );
}
