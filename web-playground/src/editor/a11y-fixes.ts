import { fixExplorer, onExplorerFocus, onExplorerKey } from './explorer-keyboard';

/**
 * Fixes accessibility problems in GraphiQL's markup: tabs that contain buttons, a select without a name, buttons
 * whose accessible name differs from their text, and an explorer without keyboard support.
 */
export function applyA11yFixes(editor: HTMLElement): () => void {
  let frame = 0;
  // The editor changes its markup often: once per frame is enough.
  const observer = new MutationObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => fixAll(editor));
  });
  editor.addEventListener('keydown', onExplorerKey);
  editor.addEventListener('focusin', onExplorerFocus);
  observer.observe(editor, { attributeFilter: ['aria-selected'], childList: true, subtree: true });
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    editor.removeEventListener('keydown', onExplorerKey);
    editor.removeEventListener('focusin', onExplorerFocus);
  };
}

function fixAll(editor: HTMLElement): void {
  for (const list of editor.querySelectorAll('[role="tablist"].graphiql-tabs'))
    list.setAttribute('role', 'list');
  for (const tab of editor.querySelectorAll('.graphiql-tab')) fixTab(tab);
  fixExplorer(editor);
  for (const label of editor.querySelectorAll('.graphiql-history-item-label[aria-label]')) {
    label.removeAttribute('aria-label');
  }
}

/** Makes the tabs a list of buttons: an element with the role tab must not contain its close button. */
function fixTab(tab: Element): void {
  const isActive = tab.classList.contains('graphiql-tab-active');
  if (tab.hasAttribute('aria-selected')) tab.removeAttribute('aria-selected');
  if (tab.getAttribute('role') !== 'listitem') tab.setAttribute('role', 'listitem');
  const button = tab.querySelector('.graphiql-tab-button');
  if (isActive) button?.setAttribute('aria-current', 'true');
  else button?.removeAttribute('aria-current');
}
