import type { Mark } from './changed-graph';

const ACTION_SIGNS = { added: '+', removed: '−', changed: '~' };
const LEVEL_SIGNS = { breaking: '✗', dangerous: '!', safe: '' };

/** What a schema change does to something: by signs, colour and shape, and in words for those who do not see them. */
export function MarkSign({ mark: { action, level } }: { mark: Mark }) {
  const words = level === 'safe' ? action : `${action}, ${level}`;
  return (
    <span className="map-sign" data-level={level} title={words}>
      <span aria-hidden="true">
        {ACTION_SIGNS[action]}
        {LEVEL_SIGNS[level]}
      </span>
      <span className="visually-hidden">{words}</span>
    </span>
  );
}
