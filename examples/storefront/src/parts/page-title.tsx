import { type ReactNode, useEffect, useRef } from 'react';

let isFirstPage = true;
let isGoingBack = false;
window.addEventListener('popstate', () => {
  isGoingBack = true;
});

interface Props {
  /** The title of the browser's tab, if the heading is not it. */
  name?: string;
  children: ReactNode;
  className?: string;
}

/** The heading of a page. It gets the focus when the page is changed, so that screen readers say where one is. */
export function PageTitle({ name, children, className }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${name ?? heading.current?.textContent ?? ''} · Lyceum`;
  });
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    if (!isFirstPage && !isGoingBack) window.scrollTo(0, 0);
    isFirstPage = false;
    isGoingBack = false;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} className={className}>
      {children}
    </h1>
  );
}
