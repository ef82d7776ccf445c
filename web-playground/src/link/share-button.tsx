import { useGraphiQL } from '@graphiql/react';
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
    <button
      type="button"
      className="button"
      aria-label="Share a link"
      title="Copy a link to this operation"
      onClick={() => void share()}
    >
      Share
    </button>
  );
}
