/**
 * The explorer plugin supports only the pointer. Here each field and argument becomes a checkbox with an accessible
 * name. All of them are one tab stop, and arrow keys move between them.
 */

import { graphiqlState } from '../editor/graphiql-state';
import { describeItem } from './explorer-types';

const ROOT = '.graphiql-explorer-root';
/** Clickable items: fields, arguments, types and fragments. */
const ITEM = `${ROOT} span[style*="cursor: pointer"]`;
const MAX_FRAMES = 30;
/** The children of an item are indented below it. */
const NESTED = 'div[style*="margin-left: 16px"]';

/** The name of the item that was toggled by keyboard: it is rendered again when it opens, and loses focus. */
let chosen: string | undefined;

/** Keeps the explorer within an element usable by keyboard; returns what ends it. */
export function applyExplorerKeyboard(panel: HTMLElement): () => void {
  let frame = 0;
  // The explorer changes its markup often: once per frame is enough.
  const observer = new MutationObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => fixExplorer(panel));
  });
  panel.addEventListener('keydown', onExplorerKey);
  panel.addEventListener('focusin', onExplorerFocus);
  observer.observe(panel, { childList: true, subtree: true });
  fixExplorer(panel);
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    panel.removeEventListener('keydown', onExplorerKey);
    panel.removeEventListener('focusin', onExplorerFocus);
  };
}

/** Adds names, roles and tab stops to the explorer, whose markup may have changed. */
function fixExplorer(editor: HTMLElement): void {
  const items = itemsIn(editor);
  for (const item of items) {
    item.setAttribute('role', 'checkbox');
    item.setAttribute('aria-checked', String(isChosen(item)));
    item.setAttribute('aria-label', nameOf(item));
    const shortcut = shortcutOf(item);
    if (shortcut) item.setAttribute('aria-keyshortcuts', shortcut);
    if (!item.hasAttribute('tabindex')) item.tabIndex = -1;
    showType(item);
  }
  if (items[0] && !items.some((item) => item.tabIndex === 0)) items[0].tabIndex = 0;
  for (const input of editor.querySelectorAll(`${ROOT} input, ${ROOT} select`)) nameInput(input);
  if (chosen === undefined || document.activeElement !== document.body) return;
  items.find((item) => item.getAttribute('aria-label') === chosen)?.focus();
}

/** The plugin has the name alone, and the description for the pointer. */
function showType(item: HTMLElement): void {
  const described = describeItem(item, graphiqlState()?.schema, parentOf);
  if (!described) return;
  const { type, description } = described;
  item.dataset.type = type;
  item.setAttribute('aria-description', description ? `${type}. ${description}` : type);
}

/** Moves between the items and toggles them. */
function onExplorerKey(event: KeyboardEvent): void {
  const item = event.target;
  if (!(item instanceof HTMLElement) || !item.matches(ITEM)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (!act(item, event.key)) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Tab returns to the item that had the focus last. */
function onExplorerFocus({ target }: FocusEvent): void {
  chosen = undefined;
  if (!(target instanceof HTMLElement) || !target.matches(ITEM)) return;
  for (const item of itemsIn(target.closest(ROOT) ?? document)) item.tabIndex = item === target ? 0 : -1;
}

function act(item: HTMLElement, key: string): boolean {
  const items = itemsIn(item.closest(ROOT) ?? document);
  const index = items.indexOf(item);
  switch (key) {
    case ' ':
    case 'Enter':
      choose(item);
      return true;
    case 'ArrowDown':
      items[index + 1]?.focus();
      return true;
    case 'ArrowUp':
      items[index - 1]?.focus();
      return true;
    case 'ArrowRight':
      if (isChosen(item)) items[index + 1]?.focus();
      else choose(item);
      return true;
    case 'ArrowLeft':
      parentOf(item)?.focus();
      return true;
    case 'Home':
      items[0]?.focus();
      return true;
    case 'End':
      items.at(-1)?.focus();
      return true;
    case '$':
    case 'f':
      if (shortcutOf(item) === key) pressHiddenButton(item);
      return true;
    default:
      return false;
  }
}

/** A value can be extracted into a variable, and the selections of a field into a fragment. */
function shortcutOf(item: HTMLElement): string | undefined {
  if (item.parentElement?.hasAttribute('data-arg-name')) return '$';
  return item.hasAttribute('data-field-name') && isOpen(item) ? 'f' : undefined;
}

function choose(item: HTMLElement): void {
  chosen = nameOf(item);
  item.click();
}

/** The plugin renders the button only while the pointer is over the item. */
function pressHiddenButton(item: HTMLElement): void {
  const label = item.querySelector(':scope > span[style*="color"]');
  if (!label) return;
  label.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
  pressWhenRendered(item, label, MAX_FRAMES);
}

/** The button is rendered in one of the next frames. */
function pressWhenRendered(item: HTMLElement, label: Element, frames: number): void {
  const button = item.querySelector('button');
  if (!button && frames > 0) {
    requestAnimationFrame(() => pressWhenRendered(item, label, frames - 1));
    return;
  }
  button?.click();
  label.dispatchEvent(new MouseEvent('mouseout', { bubbles: true }));
}

function itemsIn(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(ITEM)];
}

function isChosen(item: HTMLElement): boolean {
  const icon = item.querySelector('svg');
  return isOpen(item) || (icon?.getAttribute('viewBox') === '0 0 15 15' && !isEmpty(icon));
}

/** The arrow of an open item points down. */
function isOpen(item: HTMLElement): boolean {
  return Boolean(item.querySelector('svg')?.style.transform);
}

function isEmpty(box: SVGElement): boolean {
  return box.getAttribute('fill') === 'none';
}

function parentOf(item: HTMLElement): HTMLElement | undefined {
  const parent = item.closest(NESTED)?.parentElement?.querySelector<HTMLElement>(ITEM);
  return parent && parent !== item ? parent : undefined;
}

/** `first of enrollments of me` */
function nameOf(item: HTMLElement): string {
  const parent = parentOf(item);
  const own = labelOf(item);
  return parent ? `${own} of ${nameOf(parent)}` : own;
}

function labelOf(item: HTMLElement): string {
  const argument = item.parentElement?.getAttribute('data-arg-name');
  return argument ?? item.getAttribute('data-field-name') ?? item.textContent?.trim() ?? '';
}

function nameInput(input: Element): void {
  if (input.hasAttribute('aria-label')) return;
  const argument = input
    .closest('[data-arg-name]')
    ?.querySelector<HTMLElement>('span[style*="cursor: pointer"]');
  if (argument) input.setAttribute('aria-label', `Value of ${nameOf(argument)}`);
  else if (input.matches('select')) input.setAttribute('aria-label', 'Kind of the new operation');
  else
    input.setAttribute(
      'aria-label',
      `Name of the ${input.closest('[id^="fragment-"]') ? 'fragment' : 'operation'}`,
    );
}
