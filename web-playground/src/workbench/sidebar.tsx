import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { KeysDialog } from './keys-dialog';
import { SettingsDialog } from './settings-dialog';

/** The buttons of the panels, and of the dialogs. */
export function Sidebar({ onShow }: { onShow: () => void }) {
  const { plugins, visiblePlugin, isIntrospecting } = useGraphiQL((state) => ({
    plugins: state.plugins,
    visiblePlugin: state.visiblePlugin,
    isIntrospecting: state.isIntrospecting,
  }));
  const { setVisiblePlugin, introspect } = useGraphiQLActions();
  const [dialog, setDialog] = useState<'keys' | 'settings'>();
  useKeysKey(() => setDialog('keys'));

  return (
    <nav className="graphiql-sidebar" aria-label="Panels">
      {plugins.map((plugin) => {
        const isVisible = plugin === visiblePlugin;
        const label = `${isVisible ? 'Hide' : 'Show'} ${plugin.title}`;
        return (
          <button
            key={plugin.title}
            type="button"
            className={isVisible ? 'icon-button active' : 'icon-button'}
            aria-label={label}
            title={label}
            onClick={() => {
              setVisiblePlugin(isVisible ? null : plugin);
              if (!isVisible) onShow();
            }}
          >
            <plugin.icon />
          </button>
        );
      })}
      <span className="sidebar-gap" />
      <button
        type="button"
        className="icon-button"
        aria-label="Reload the schema (Shift-Ctrl-R)"
        title="Reload the schema (Shift+Ctrl+R)"
        disabled={isIntrospecting}
        onClick={() => void introspect()}
      >
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
          <path
            d="M13.5 8A5.5 5.5 0 1 1 11.6 3.8M13.5 1.5v3h-3"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Open short keys dialog"
        title="Help: keys and first steps (?)"
        onClick={() => setDialog('keys')}
      >
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
          <path
            d="M1.5 4h13v8.5h-13zM4 6.5h.5M7 6.5h.5M10 6.5h.5M12.5 6.5h-.5M4 10h8"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Open settings dialog"
        title="Settings"
        onClick={() => setDialog('settings')}
      >
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
          <path d="M1.5 4.5h7M12 4.5h2.5M1.5 11.5H4M7.5 11.5h7" strokeLinecap="round" />
          <circle cx="10.2" cy="4.5" r="1.8" />
          <circle cx="5.8" cy="11.5" r="1.8" />
        </svg>
      </button>
      {dialog === 'keys' && <KeysDialog onClose={() => setDialog(undefined)} />}
      {dialog === 'settings' && <SettingsDialog onClose={() => setDialog(undefined)} />}
    </nav>
  );
}

/** `?` lists the keys, unless somebody is writing. */
function useKeysKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      const isWriting =
        target instanceof HTMLElement &&
        (target.matches('input, textarea, select') || target.isContentEditable);
      if (
        event.key !== '?' ||
        isWriting ||
        (target instanceof HTMLElement && target.closest('.monaco-editor'))
      )
        return;
      event.preventDefault();
      open();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
