import { useGraphiQL, useMonaco } from '@graphiql/react';
import { useState } from 'react';
import { useActiveRun } from '../execution/runs';
import { useWidePanel } from '../panel/wide-panel';
import { OperationPane } from './operation-pane';
import { ResponsePane } from './response-pane';
import { Sidebar } from './sidebar';
import { Splitter, useSplit } from './split';
import { TabBar } from './tab-bar';
import './workbench.css';

/** Panels with lists are narrow; those with drawings need more room. */
const DRAWINGS = ['Plan', 'Trace', 'Performance', 'Map'];

type Pane = 'panel' | 'operation' | 'response';
const PANES: { pane: Pane; label: string }[] = [
  { pane: 'panel', label: 'Panel' },
  { pane: 'operation', label: 'Operation' },
  { pane: 'response', label: 'Response' },
];

/** The panel, the operation and its response: side by side, or on a small screen one at a time. */
export function Workbench() {
  const visible = useGraphiQL((state) => state.visiblePlugin);
  const hasMonaco = useMonaco((state) => Boolean(state.monaco));
  const isDrawing = DRAWINGS.includes(visible?.title ?? '');
  const panel = useSplit(isDrawing ? 'drawing' : 'panel', isDrawing ? 36 : 21, { min: 14, max: 70 });
  const response = useSplit('response', 40, { min: 15, max: 80 });
  const [pane, setPane] = useState<Pane>('operation');
  const Content = visible?.content;
  useShownOnRun(setPane);
  useShownWhenWide(setPane);

  return (
    <div className="graphiql-container" data-pane={pane}>
      <Sidebar onShow={() => setPane('panel')} />
      <div className="workbench" ref={panel.container}>
        {Content && (
          <>
            <div className="graphiql-plugin" style={{ flexBasis: `${panel.percent}%` }}>
              <Content />
            </div>
            <Splitter split={panel} label="Width of the panel" />
          </>
        )}
        <div className="sessions">
          <TabBar />
          <div className="session-panes" id="graphiql-session" ref={response.container}>
            {hasMonaco ? <OperationPane /> : <p className="shell-loading">Loading the editor…</p>}
            <Splitter split={response} label="Width of the response" isReversed />
            <div className="graphiql-response" style={{ flexBasis: `${response.percent}%` }}>
              <ResponsePane />
            </div>
          </div>
        </div>
      </div>
      <nav className="pane-switch" aria-label="Panes">
        {PANES.map(({ pane: one, label }) => (
          <button
            key={one}
            type="button"
            className="pane-button"
            aria-current={one === pane ? 'true' : undefined}
            onClick={() => setPane(one)}
          >
            {one === 'panel' ? (visible?.title ?? label) : label}
          </button>
        ))}
      </nav>
    </div>
  );
}

/** On a small screen, a run shows its response. */
function useShownOnRun(setPane: (pane: Pane) => void): void {
  const isRunning = useActiveRun()?.isRunning ?? false;
  const [was, setWas] = useState(isRunning);
  if (was === isRunning) return;
  setWas(isRunning);
  if (isRunning && !useWidePanel.getState().title) setPane('response');
}

/** On a small screen, a panel that is opened in the whole window is shown. */
function useShownWhenWide(setPane: (pane: Pane) => void): void {
  const title = useWidePanel((state) => state.title);
  const [was, setWas] = useState(title);
  if (was === title) return;
  setWas(title);
  if (title) setPane('panel');
}
