import { useMemo, useState } from 'react';
import { download } from '../files/download';
import { findTables, type Row, sortRows, type Table, toCsv } from './tables';
import './response-views.css';

const MAX_ROWS = 500;

/** A list of the response as a table: sortable, searched, and saved as CSV. */
export default function TableView({ data, search }: { data: unknown; search: string }) {
  const tables = useMemo(() => findTables(data), [data]);
  const [path, setPath] = useState('');
  const table = tables.find((one) => one.path === path) ?? tables[0];

  if (!table) return <p className="view-empty">The response has no list that could be a table.</p>;
  return (
    <div className="view-table">
      <div className="view-bar">
        <label>
          List{' '}
          <select value={table.path} onChange={(event) => setPath(event.target.value)}>
            {tables.map((one) => (
              <option key={one.path} value={one.path}>
                {one.path} ({one.rows.length})
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="button"
          onClick={() => download(`${table.path}.csv`, 'text/csv', toCsv(table))}
        >
          Save as CSV
        </button>
      </div>
      <Grid key={table.path} table={table} search={search} />
    </div>
  );
}

interface Order {
  column: string;
  isDescending: boolean;
}

function Grid({ table: { columns, rows, path }, search }: { table: Table; search: string }) {
  const [order, setOrder] = useState<Order>();
  const shown = useMemo(() => {
    const found = search ? rows.filter((row) => hasText(row, search)) : rows;
    return order ? sortRows(found, order.column, order.isDescending) : found;
  }, [rows, search, order]);

  function sortBy(column: string) {
    setOrder({ column, isDescending: order?.column === column && !order.isDescending });
  }

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields.
    <div className="view-scroll" tabIndex={0} role="group" aria-label={`Table of ${path}`}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} aria-sort={sortOf(order, column)}>
                <button type="button" onClick={() => sortBy(column)}>
                  {column}
                  {order?.column === column && (
                    <span aria-hidden="true">{order.isDescending ? ' ↓' : ' ↑'}</span>
                  )}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, MAX_ROWS).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other identity.
            <tr key={index}>
              {columns.map((column) => (
                <td key={column} className={typeof row[column] === 'number' ? 'view-number' : undefined}>
                  {row[column] === null || row[column] === undefined ? (
                    <span className="view-quiet">{row[column] === null ? 'null' : ''}</span>
                  ) : (
                    String(row[column])
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length > MAX_ROWS && (
        <p className="view-empty">
          The first {MAX_ROWS} of {shown.length} rows. The CSV has all of them.
        </p>
      )}
      {shown.length === 0 && <p className="view-empty">No row has this text.</p>}
    </div>
  );
}

function sortOf(order: Order | undefined, column: string): 'ascending' | 'descending' | 'none' {
  if (order?.column !== column) return 'none';
  return order.isDescending ? 'descending' : 'ascending';
}

function hasText(row: Row, search: string): boolean {
  const wanted = search.toLowerCase();
  return Object.values(row).some((cell) => String(cell).toLowerCase().includes(wanted));
}
