import { useEffect, useState } from 'react';

let request: Promise<boolean> | undefined;

/** Whether this server has the storefront, which is built separately. Asked once. */
export function useHasStorefront(): boolean {
  const [hasStorefront, setHasStorefront] = useState(false);
  useEffect(() => {
    request ??= fetch('/store', { method: 'HEAD' }).then(
      ({ status }) => status === 200,
      () => false,
    );
    void request.then(setHasStorefront);
  }, []);
  return hasStorefront;
}
