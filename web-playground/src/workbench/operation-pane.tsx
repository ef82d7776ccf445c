import { HeaderEditor, QueryEditor, VariableEditor } from '@graphiql/react';
import { useState } from 'react';
import { ExtensionsEditor } from '../extensions/extensions-editor';
import { OperationNeeds } from '../operations/operation-needs';
import { CostEstimate } from '../plan/cost-estimate';
import { useCanTrace } from '../session/trace-access';
import { OperationToolbar } from './operation-toolbar';

const TOOLS = ['Variables', 'Headers', 'Extensions'] as const;

/** The editors of the operation, and of what is sent with it. */
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
  const isShown = (tool: (typeof TOOLS)[number]) => (tool === (open ?? 'Variables') ? '' : 'hidden');

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
          title={open ? 'Hide variables, headers and extensions' : 'Show variables'}
          onClick={() => setOpen(open ? undefined : 'Variables')}
        >
          {open ? '▾' : '▴'}
        </button>
      </div>
      <section
        className={open ? 'graphiql-editor-tool' : 'graphiql-editor-tool tool-closed'}
        aria-label={open ?? 'Variables, headers and extensions'}
      >
        <VariableEditor className={isShown('Variables')} />
        <HeaderEditor className={isShown('Headers')} />
        <ExtensionsEditor className={isShown('Extensions')} />
      </section>
    </>
  );
}
