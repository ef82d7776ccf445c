import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useState } from 'react';
import { storage } from '../storage/storage';
import { Dialog } from './dialog';

const THEMES = [
  { theme: null, label: 'System' },
  { theme: 'light', label: 'Light' },
  { theme: 'dark', label: 'Dark' },
] as const;

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();
  const [isCleared, setIsCleared] = useState(false);

  return (
    <Dialog title="Settings" onClose={onClose}>
      <fieldset className="setting">
        <legend className="dialog-heading">Theme</legend>
        {THEMES.map(({ theme: one, label }) => (
          <button
            key={label}
            type="button"
            className="button"
            aria-pressed={theme === one}
            onClick={() => setTheme(one)}
          >
            {label}
          </button>
        ))}
      </fieldset>
      <h3 className="dialog-heading">Stored in this browser</h3>
      <p className="dialog-quiet">
        Open tabs, history, collections and sizes, without tokens, passwords and headers. The session is kept
        until the tab is closed.
      </p>
      <button
        type="button"
        className="button"
        disabled={isCleared}
        onClick={() => {
          storage.clear();
          setIsCleared(true);
        }}
      >
        {isCleared ? 'Cleared' : 'Clear all of it'}
      </button>
    </Dialog>
  );
}
