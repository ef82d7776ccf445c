import { useMemo, useState } from 'react';
import { findPaths, isInner, summarize } from './tree';
import './response-views.css';

const PAGE = 100;

/** The response as a tree that folds. What is searched for is unfolded and marked. */
export default function TreeView({ data, search }: { data: unknown; search: string }) {
  const found = useMemo(() => findPaths(data, search), [data, search]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields.
    <div className="view-scroll view-tree" tabIndex={0} role="group" aria-label="Response as a tree">
      {search && (
        <p className="view-quiet" role="status">
          {found.matches.size === 0
            ? 'Not found'
            : `Found ${found.matches.size}${found.isCut ? ' and more' : ''}`}
        </p>
      )}
      <ul>
        <Node name="" value={data} path="" depth={0} found={found} />
      </ul>
    </div>
  );
}

interface NodeProps {
  name: string;
  value: unknown;
  path: string;
  depth: number;
  found: ReturnType<typeof findPaths>;
}

function Node({ name, value, path, depth, found }: NodeProps) {
  // Undefined until the user has folded or unfolded it.
  const [chosen, setChosen] = useState<boolean>();
  const isOpen = chosen ?? (depth < 3 || found.ancestors.has(path));
  const mark = found.matches.has(path) ? 'view-match' : undefined;

  if (!isInner(value)) {
    return (
      <li className={mark}>
        {name && <span className="view-key">{name}: </span>}
        <span className={`view-value view-${value === null ? 'null' : typeof value}`}>
          {JSON.stringify(value)}
        </span>
      </li>
    );
  }
  return (
    <li className={mark}>
      <button type="button" aria-expanded={isOpen} onClick={() => setChosen(!isOpen)}>
        <span aria-hidden="true">{isOpen ? '▾' : '▸'} </span>
        {name && <span className="view-key">{name} </span>}
        <span className="view-quiet">{summarize(value)}</span>
      </button>
      {isOpen && <Children value={value} path={path} depth={depth} found={found} />}
    </li>
  );
}

function Children({ value, path, depth, found }: Omit<NodeProps, 'name' | 'value'> & { value: object }) {
  const [count, setCount] = useState(PAGE);
  const entries = Object.entries(value);
  return (
    <ul>
      {entries.slice(0, count).map(([name, inner]) => (
        <Node key={name} name={name} value={inner} path={`${path}/${name}`} depth={depth + 1} found={found} />
      ))}
      {entries.length > count && (
        <li>
          <button type="button" onClick={() => setCount(count + PAGE)}>
            {entries.length - count} more
          </button>
        </li>
      )}
    </ul>
  );
}
