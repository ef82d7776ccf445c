import { type KeyboardEvent, type ReactNode, useState } from 'react';
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
  const [isWide, setIsWide] = useState(false);

  function narrowOnEscape(event: KeyboardEvent) {
    if (event.key !== 'Escape' || !isWide) return;
    event.stopPropagation();
    setIsWide(false);
  }

  return (
    <section aria-label={title} className={isWide ? 'panel panel-wide' : 'panel'} onKeyDown={narrowOnEscape}>
      <header className="panel-header">
        <h2 className="panel-title">{title}</h2>
        <p className="panel-lead">{lead}</p>
        {actions}
        <button type="button" className="button" aria-pressed={isWide} onClick={() => setIsWide(!isWide)}>
          {isWide ? 'Narrow' : 'Widen'}
        </button>
      </header>
      {children}
    </section>
  );
}
