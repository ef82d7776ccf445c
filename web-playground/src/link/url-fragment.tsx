import { useGraphiQLActions } from '@graphiql/react';
import { useEffect, useEffectEvent } from 'react';
import { selectError } from '../errors/selected-error';
import { showError, showNotice } from '../notice/notice';
import { useOpenOperation } from '../operations/open-operation';
import { ERRORS_PLUGIN } from '../plugins/errors';
import { readLink } from './link';

const ERROR_PREFIX = '#error=';

/** Opens what the URL fragment links to: a shared operation, or the meaning of an error code. Runs nothing. */
export function UrlFragment() {
  const openOperation = useOpenOperation();
  const { setVisiblePlugin } = useGraphiQLActions();
  const isReady = openOperation !== undefined;

  const follow = useEffectEvent(() => {
    const { hash } = location;
    if (hash.startsWith(ERROR_PREFIX)) {
      selectError(hash.slice(ERROR_PREFIX.length));
      setVisiblePlugin(ERRORS_PLUGIN);
      clearFragment();
      return;
    }
    try {
      const operation = readLink(hash);
      if (!operation) return;
      openOperation?.(operation.query, operation.variables);
      showNotice(
        'This operation was opened from a link. It has not been executed: review it before you run it.',
      );
    } catch (error) {
      showError(error instanceof Error ? error.message : String(error));
    }
    clearFragment();
  });

  useEffect(() => {
    if (!isReady) return;
    follow();
    const onChange = () => follow();
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, [isReady]);

  return null;
}

/** Otherwise a reload would open it again and overwrite later edits. */
function clearFragment() {
  history.replaceState(null, '', location.pathname + location.search);
}
