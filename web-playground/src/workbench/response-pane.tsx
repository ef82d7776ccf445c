import { runActiveTab } from '../editor/actions';
import { useActiveRun } from '../execution/runs';
import { ResponseFooter } from '../response/response-footer';
import { GuidedStart } from '../start/guided-start';
import { JsonView } from './json-view';
import { SchemaProblem } from './schema-problem';

/** The response of the active tab, and what is known about it. */
export function ResponsePane() {
  const run = useActiveRun();
  return (
    <>
      <SchemaProblem />
      <GuidedStart />
      {run?.problem && (
        <div className="response-problem" role="alert">
          <p>{run.problem.message}</p>
          {run.problem.canRetry && (
            <button type="button" className="button button-main" onClick={runActiveTab}>
              Try again
            </button>
          )}
        </div>
      )}
      {run?.isRunning && <p className="response-running">{run.stream ? '' : 'Running…'}</p>}
      <JsonView text={run?.text ?? ''} />
      <ResponseFooter />
    </>
  );
}
