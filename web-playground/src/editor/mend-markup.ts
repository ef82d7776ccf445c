import { mendExplorer, onExplorerFocus, onExplorerKey } from './explorer-keyboard';

/**
 * Puts right what screen readers stumble on in GraphiQL's markup: tabs that hold buttons, a select without
 * a name, buttons whose name is not what they show, and an explorer for the pointer only.
 */
export function mendMarkup(editor: HTMLElement): () => void {
  let frame = 0;
  // The editor changes its lines often: once a frame is enough.
  const observer = new MutationObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => mend(editor));
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

function mend(editor: HTMLElement): void {
  for (const list of editor.querySelectorAll('[role="tablist"].graphiql-tabs'))
    list.setAttribute('role', 'list');
  for (const tab of editor.querySelectorAll('.graphiql-tab')) mendTab(tab);
  mendExplorer(editor);
  for (const label of editor.querySelectorAll('.graphiql-history-item-label[aria-label]')) {
    label.removeAttribute('aria-label');
  }
}

/** A list of buttons, of which one is current: a tab itself must not hold the button that closes it. */
function mendTab(tab: Element): void {
  const isActive = tab.classList.contains('graphiql-tab-active');
  if (tab.hasAttribute('aria-selected')) tab.removeAttribute('aria-selected');
  if (tab.getAttribute('role') !== 'listitem') tab.setAttribute('role', 'listitem');
  const button = tab.querySelector('.graphiql-tab-button');
  if (isActive) button?.setAttribute('aria-current', 'true');
  else button?.removeAttribute('aria-current');
}
