import { fixExplorer, onExplorerFocus, onExplorerKey } from './explorer-keyboard';

/** Gives the explorer, which supports only the pointer, accessible names and keys. */
export function applyA11yFixes(editor: HTMLElement): () => void {
  let frame = 0;
  // The editor changes its markup often: once per frame is enough.
  const observer = new MutationObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => fixExplorer(editor));
  });
  editor.addEventListener('keydown', onExplorerKey);
  editor.addEventListener('focusin', onExplorerFocus);
  observer.observe(editor, { childList: true, subtree: true });
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    editor.removeEventListener('keydown', onExplorerKey);
    editor.removeEventListener('focusin', onExplorerFocus);
  };
}
