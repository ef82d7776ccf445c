import { useState } from 'react';
import { activeTab } from '../editor/graphiql-state';
import { readRequest } from '../editor/request';
import { showBriefNotice } from '../notice/notice';
import { useSession } from '../session/session';
import { Dialog } from '../workbench/dialog';
import { SNIPPETS, type SnippetId, snippet } from './snippets';
import './copy-dialog.css';

/** The operation as code of other programs. */
export default function CopyDialog({ onClose }: { onClose: () => void }) {
  const [id, setId] = useState<SnippetId>('curl');
  const [hasToken, setHasToken] = useState(false);
  const token = useSession(({ session }) => session?.accessToken);
  const code = codeOf(id, hasToken ? token : undefined);

  return (
    <Dialog title="Copy as code" onClose={onClose}>
      <fieldset className="copy-kinds">
        <legend className="visually-hidden">Language or client</legend>
        {SNIPPETS.map(({ id: one, label }) => (
          <button
            key={one}
            type="button"
            className="button"
            aria-pressed={one === id}
            onClick={() => setId(one)}
          >
            {label}
          </button>
        ))}
      </fieldset>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre className="copy-code" tabIndex={0}>
        {code}
      </pre>
      <div className="copy-actions">
        <label>
          <input
            type="checkbox"
            checked={hasToken && token !== undefined}
            disabled={token === undefined}
            onChange={(event) => setHasToken(event.target.checked)}
          />{' '}
          With my access token, which others must not see
        </label>
        <button
          type="button"
          className="button button-main"
          onClick={() => {
            void navigator.clipboard.writeText(code).then(() => showBriefNotice('Copied.'));
            onClose();
          }}
        >
          Copy
        </button>
      </div>
    </Dialog>
  );
}

function codeOf(id: SnippetId, token: string | undefined): string {
  const tab = activeTab();
  if (!tab) return '';
  try {
    const { request, headers, kind } = readRequest(tab);
    return snippet(id, {
      url: new URL('/graphql', location.href).href,
      query: request.query,
      variables: request.variables ?? {},
      operationName: request.operationName ?? undefined,
      extensions: request.extensions,
      isSubscription: kind === 'subscription',
      headers,
      token,
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
