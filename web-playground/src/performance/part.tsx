import { type ReactNode, useEffect, useId, useRef } from 'react';

interface Props {
  title: string;
  /** What the part says as a whole. */
  note: ReactNode;
  /** The id of the fetch that was chosen, here or in another part. */
  chosen: number | undefined;
  children: ReactNode;
}

/** One of the views of a run. When a fetch is chosen elsewhere, it scrolls to it. */
export function Part({ title, note, chosen, children }: Props) {
  const heading = useId();
  const body = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const frame = body.current;
    const target = chosen === undefined ? null : frame?.querySelector<HTMLElement>('[data-chosen="true"]');
    if (frame && target) scrollTo(frame, target);
  }, [chosen]);

  return (
    <section className="performance-part" aria-labelledby={heading}>
      <h3 className="performance-title">
        <span id={heading}>{title}</span> <span className="performance-note">{note}</span>
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields. */}
      <div className="performance-body" ref={body} role="group" aria-labelledby={heading} tabIndex={0}>
        {children}
      </div>
    </section>
  );
}

/** Unlike `scrollIntoView`, it leaves what is around the frame where it is. */
function scrollTo(frame: HTMLElement, target: HTMLElement) {
  const [room, own] = [frame.getBoundingClientRect(), target.getBoundingClientRect()];
  if (own.top < room.top) frame.scrollTop += own.top - room.top;
  else if (own.bottom > room.bottom)
    frame.scrollTop += Math.min(own.bottom - room.bottom, own.top - room.top);
}
