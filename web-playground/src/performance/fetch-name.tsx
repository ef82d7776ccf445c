import type { KeyboardEvent } from 'react';
import { pathLabel } from '../plan/layout';
import type { LinkedFetch } from './linked-fetches';

/** Where the objects of a fetch are in the response; empty for the operation's own fields. */
export function placeOf({ planned, traced }: LinkedFetch): string {
  const paths = planned?.entityPaths.map((path) => path.join('.')) ?? [];
  if (paths.length > 0) return `for ${paths.join(' and ')}`;
  return planned ? planned.fields.join(', ') : (traced?.fetch.types.join(', ') ?? '');
}

/** The same in fewer characters: the end of a path says more than its beginning. */
function shortPlaceOf(link: LinkedFetch): string {
  const [first, ...others] = link.planned?.entityPaths ?? [];
  if (!first) return placeOf(link);
  return others.length > 0 ? `${pathLabel(first)} and ${others.length} more` : pathLabel(first);
}

interface Props {
  link: LinkedFetch;
  isChosen: boolean;
  onChoose: (id: number | undefined) => void;
}

/** A fetch by its name, which chooses it in every part; arrow keys lead to the next one. */
export function FetchButton({ link, isChosen, onChoose }: Props) {
  return (
    <button
      type="button"
      className="performance-fetch"
      data-subgraph={link.subgraph}
      data-chosen={isChosen}
      aria-pressed={isChosen}
      title={placeOf(link)}
      onClick={() => onChoose(isChosen ? undefined : link.id)}
      onKeyDown={moveFocus}
    >
      <span className="performance-name">{link.subgraph}</span>{' '}
      <span className="performance-place">{shortPlaceOf(link)}</span>
    </button>
  );
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

/** To the next or previous button of the same part. */
function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const step = STEPS[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  const part = event.currentTarget.closest('.performance-part');
  const all = [...(part?.querySelectorAll<HTMLElement>('button[aria-pressed]') ?? [])];
  const next = all[all.indexOf(event.currentTarget) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
