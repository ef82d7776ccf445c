import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { useWidePanel, widenPanel } from './wide-panel';
import './panel.css';

interface Props {
  title: string;
  /** One sentence that describes the content. */
  lead: string;
  /** Additional controls in the header. */
  actions?: ReactNode;
  children: ReactNode;
}

/** The content of a plugin, which can be expanded to the whole window. */
export function Panel({ title, lead, actions, children }: Props) {
  const isWide = useWidePanel((state) => state.title === title);
  const section = useRef<HTMLElement>(null);

  // What had the focus may be covered.
  useEffect(() => {
    if (isWide && !section.current?.contains(document.activeElement)) section.current?.focus();
  }, [isWide]);

  function narrowOnEscape(event: KeyboardEvent) {
    if (event.key !== 'Escape' || !isWide) return;
    event.stopPropagation();
    widenPanel(undefined);
  }

  return (
    <section
      ref={section}
      aria-label={title}
      className={isWide ? 'panel panel-wide' : 'panel'}
      tabIndex={-1}
      onKeyDown={narrowOnEscape}
    >
      <header className="panel-header">
        <h2 className="panel-title">{title}</h2>
        <p className="panel-lead">{lead}</p>
        {actions}
        <button
          type="button"
          className="button"
          aria-pressed={isWide}
          onClick={() => widenPanel(isWide ? undefined : title)}
        >
          {isWide ? 'Narrow' : 'Widen'}
        </button>
      </header>
      {children}
    </section>
  );
}
