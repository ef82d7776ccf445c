import { ToolbarButton, useGraphiQL } from '@graphiql/react';
import { showBriefNotice } from '../notice/notice';
import { linkTo } from './link';

/** Copies a link to the operation in the editor. */
export function ShareButton() {
  const { queryEditor, variableEditor } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
  }));

  async function share() {
    const query = queryEditor?.getValue() ?? '';
    const link = linkTo({ query, variables: variableEditor?.getValue() ?? '' }, location.href);
    // Also put into the address bar, since the browser may deny access to the clipboard.
    history.replaceState(null, '', link);
    const isCopied = await navigator.clipboard.writeText(link).then(
      () => true,
      () => false,
    );
    const what = 'operation and variables, without headers, tokens and passwords';
    showBriefNotice(isCopied ? `Link copied: ${what}.` : `The link is in the address bar: ${what}.`);
  }

  return (
    <ToolbarButton label="Share a link" onClick={() => void share()}>
      <svg
        className="graphiql-toolbar-icon"
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        aria-hidden="true"
      >
        <path
          d="M6.5 9.5 9.5 6.5M7 4.5 8.6 2.9a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.6 1.6a3.2 3.2 0 0 1-4.5-4.5L4.5 7"
          strokeWidth="1.4"
          strokeLinecap="round"
        />
      </svg>
    </ToolbarButton>
  );
}
