import { useState } from 'react';
import { useAction } from '../client/use-action';
import { type AccountQuery, CreateDataExportLinkDocument, ExportMyDataDocument } from '../gql/graphql';
import { Problems } from '../parts/form';
import { at, onDay } from '../parts/words';

/** All data of the viewer in one file: asked for, collected, fetched by a link that works once. */
export function Export({ found }: { found: AccountQuery['dataExport'] }) {
  const request = useAction(ExportMyDataDocument);
  const createLink = useAction(CreateDataExportLinkDocument);
  const [link, setLink] = useState<{ path: string; expiresAt: string } | null>(null);
  async function prepare() {
    const { data } = await createLink.run({});
    setLink(data?.createDataExportLink?.link ?? null);
  }
  return (
    <div className="stack">
      <p>Everything we know about you, in one file.</p>
      <Problems problems={[...request.problems, ...createLink.problems]} />
      {found?.state === 'RUNNING' && (
        <p className="pending" role="status">
          <span className="spinner" aria-hidden="true" />
          We are collecting it, and will tell you when it is ready.
        </p>
      )}
      {link ? (
        <p className="notice">
          <a href={link.path} download>
            Download the file
          </a>{' '}
          once, until {at(link.expiresAt)}.
        </p>
      ) : found?.state === 'READY' ? (
        <div className="actions start">
          <button type="button" className="button" aria-disabled={createLink.busy} onClick={prepare}>
            Prepare the download
          </button>
          <span className="muted small">Kept until {onDay(found.expiresAt)}</span>
        </div>
      ) : (
        !found && (
          <div className="actions start">
            <button
              type="button"
              className="button"
              aria-disabled={request.busy}
              onClick={() => request.run({})}
            >
              Collect my data
            </button>
          </div>
        )
      )}
    </div>
  );
}
