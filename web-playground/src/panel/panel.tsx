import { type KeyboardEvent, type ReactNode, useState } from 'react';
import './panel.css';

interface Props {
  title: string;
  /** One sentence: what is to be seen. */
  lead: string;
  /** What stands in the header, too. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A plugin's content, which can take the whole window. */
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
