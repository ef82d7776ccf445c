import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useRuns } from '../execution/runs';

/** The open operations. A dot marks those that run. */
export function TabBar() {
  const { tabs, activeTabIndex } = useGraphiQL(({ tabs, activeTabIndex }) => ({ tabs, activeTabIndex }));
  const { addTab, changeTab, closeTab } = useGraphiQLActions();
  const { runs } = useRuns();

  return (
    <div className="tab-bar">
      <ul className="graphiql-tabs" aria-label="Open operations">
        {tabs.map(({ id, title }, index) => (
          <li
            key={id}
            className={index === activeTabIndex ? 'graphiql-tab graphiql-tab-active' : 'graphiql-tab'}
          >
            <button
              type="button"
              className="graphiql-tab-button"
              aria-current={index === activeTabIndex ? 'true' : undefined}
              onClick={() => changeTab(index)}
            >
              {runs[id]?.isRunning && <span className="tab-running" role="img" aria-label="running" />}
              {title === '<untitled>' ? 'Untitled' : title}
            </button>
            {tabs.length > 1 && (
              <button
                type="button"
                className="tab-close"
                aria-label={`Close ${title}`}
                onClick={() => closeTab(index)}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <button
        type="button"
        className="icon-button"
        aria-label="New tab"
        title="New tab"
        onClick={() => addTab()}
      >
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden="true">
          <path d="M8 3v10M3 8h10" strokeLinecap="round" />
        </svg>
      </button>
    </div>
  );
}
