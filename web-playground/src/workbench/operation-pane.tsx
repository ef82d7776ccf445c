import { HeaderEditor, QueryEditor, useGraphiQL, VariableEditor } from '@graphiql/react';
import { useState } from 'react';
import { OperationNeeds } from '../operations/operation-needs';
import { CostEstimate } from '../plan/cost-estimate';
import { useCanTrace } from '../session/trace-access';
import { OperationToolbar } from './operation-toolbar';

const TOOLS = ['Variables', 'Headers'] as const;

/** The editors of the operation, its variables and its headers. */
export function OperationPane() {
  const hasCost = useCanTrace();
  return (
    <div className="graphiql-editors">
      <OperationToolbar />
      <OperationNeeds />
      <section className="graphiql-query-editor" aria-label="Operation editor" id="operation-editor">
        <QueryEditor />
      </section>
      <Tools />
      {hasCost && <CostEstimate />}
    </div>
  );
}

function Tools() {
  const [open, setOpen] = useState<(typeof TOOLS)[number] | undefined>('Variables');
  const isEmpty = useGraphiQL(({ tabs, activeTabIndex }) => !tabs[activeTabIndex]?.variables?.trim());

  return (
    <>
      <div className="graphiql-editor-tools">
        {TOOLS.map((tool) => (
          <button
            key={tool}
            type="button"
            className="tool-button"
            aria-expanded={open === tool}
            onClick={() => setOpen(tool)}
          >
            {tool}
          </button>
        ))}
        <button
          type="button"
          className="small-button tool-toggle"
          aria-label={open ? 'Hide editor tools' : 'Show editor tools'}
          title={open ? 'Hide variables and headers' : 'Show variables'}
          onClick={() => setOpen(open ? undefined : 'Variables')}
        >
          {open ? '▾' : '▴'}
        </button>
      </div>
      <section
        className={open ? 'graphiql-editor-tool' : 'graphiql-editor-tool tool-closed'}
        data-empty={isEmpty}
        aria-label={open ?? 'Variables and headers'}
      >
        <VariableEditor className={open === 'Headers' ? 'hidden' : ''} />
        <HeaderEditor className={open === 'Headers' ? '' : 'hidden'} />
      </section>
    </>
  );
}
