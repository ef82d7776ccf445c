import { useGraphiQLActions } from '@graphiql/react';
import { useEffect, useEffectEvent } from 'react';
import { useOpenOperation } from '../editor/open-operation';
import { showMeaning } from '../errors/chosen';
import { ERRORS_PLUGIN } from '../plugins/errors';
import { tell, tellProblem } from '../shell/notice';
import { readLink } from './link';

const ERROR_PREFIX = '#error=';

/** Follows the address's fragment: to a shared operation, or to what an error means. It runs nothing. */
export function Fragment() {
  const openOperation = useOpenOperation();
  const { setVisiblePlugin } = useGraphiQLActions();
  const isReady = openOperation !== undefined;

  const follow = useEffectEvent(() => {
    const { hash } = location;
    if (hash.startsWith(ERROR_PREFIX)) {
      showMeaning(hash.slice(ERROR_PREFIX.length));
      setVisiblePlugin(ERRORS_PLUGIN);
      forgetFragment();
      return;
    }
    try {
      const operation = readLink(hash);
      if (!operation) return;
      openOperation?.(operation.query, operation.variables);
      tell('This operation came with a link. It has not been run: look at it, then run it yourself.');
    } catch (error) {
      tellProblem(error instanceof Error ? error.message : String(error));
    }
    forgetFragment();
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

/** Otherwise a reload would open it again, over what has been edited since. */
function forgetFragment() {
  history.replaceState(null, '', location.pathname + location.search);
}
