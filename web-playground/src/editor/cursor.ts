import { useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { operationAt } from '../execution/operation-at-cursor';

/** The name of the operation at the cursor: the one that is run, and whose plan is shown. */
export function useOperationNameAtCursor(query: string): string | undefined {
  const editor = useGraphiQL((state) => state.queryEditor);
  const [offset, setOffset] = useState(0);

  useEffect(() => {
    const listener = editor?.onDidChangeCursorPosition(({ position }) =>
      setOffset(editor.getModel()?.getOffsetAt(position) ?? 0),
    );
    return () => listener?.dispose();
  }, [editor]);

  return operationAt(query, offset)?.name;
}
