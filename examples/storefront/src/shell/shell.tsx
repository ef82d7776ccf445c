import { type ReactNode, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { Icon } from '../parts/icons';
import { Toasts } from '../parts/toasts';
import { Live } from './live';
import { useViewer, type Viewer } from './viewer';

/** The frame of all pages: skip link, header, navigation, footer. */
export function Shell({ children }: { children: ReactNode }) {
  const viewer = useViewer();
  const main = useRef<HTMLElement>(null);
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to #main; the hash must not be pushed into the history. */}
      <a
        className="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header className="header">
        <div className="header-inner">
          <Link href="/" className="brand">
            <Logo />
            Lyceum
          </Link>
          <nav className="nav" aria-label="Main">
            <Tab href="/" icon="shop">
              Catalogue
            </Tab>
            {viewer && (
              <Tab href="/my-courses" icon="book">
                My courses
              </Tab>
            )}
            {viewer && viewer.role === 'TEACHER' && (
              <Tab href="/teaching" icon="desk">
                Teaching
              </Tab>
            )}
            {viewer && (
              <Tab href="/account" icon="person" phoneOnly>
                Account
              </Tab>
            )}
          </nav>
          <div className="header-end">{viewer === null ? <Doors /> : viewer && <Me viewer={viewer} />}</div>
        </div>
      </header>
      {viewer && <Live viewer={viewer} />}
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <footer className="footer">
        <p>
          <span className="footer-brand">Lyceum</span> A sample shop on a federated graph. No money moves.
        </p>
        <p>
          <a href="/">The graph’s playground</a>
        </p>
      </footer>
      <Toasts />
    </>
  );
}

function Tab({
  href,
  icon,
  phoneOnly = false,
  children,
}: {
  href: string;
  icon: Parameters<typeof Icon>[0]['name'];
  phoneOnly?: boolean;
  children: string;
}) {
  const [path] = useLocation();
  const isHere = href === '/' ? path === '/' || path.startsWith('/courses') : path.startsWith(href);
  return (
    <Link
      href={href}
      className={phoneOnly ? 'tab phone-only' : 'tab'}
      aria-current={isHere ? 'page' : undefined}
    >
      <Icon name={icon} size={22} />
      <span>{children}</span>
    </Link>
  );
}

function Doors() {
  const [path] = useLocation();
  const next = /^\/sign-/.test(path) || path === '/' ? '' : `?next=${encodeURIComponent(path)}`;
  return (
    <>
      <Link href={`/sign-in${next}`} className="button quiet">
        Sign in
      </Link>
      <Link href={`/sign-up${next}`} className="button primary">
        Join
      </Link>
    </>
  );
}

function Me({ viewer }: { viewer: Viewer }) {
  const unread = viewer.unreadNotificationCount ?? 0;
  return (
    <>
      <Link
        href="/notifications"
        className="round"
        aria-label={unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`}
      >
        <Icon name="bell" size={22} />
        {unread > 0 && (
          <span className="badge" aria-hidden="true">
            {unread > 99 ? '99+' : unread}
          </span>
        )}
      </Link>
      <Link href="/account" className="avatar wide-only">
        <span aria-hidden="true">{initials(viewer.name)}</span>
        <span className="visually-hidden">Account of {viewer.name}</span>
      </Link>
    </>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => word?.[0] ?? '').join('');
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" className="logo-ground" />
      <path
        d="M8 24 16 7l8 17"
        fill="none"
        className="logo-letter"
        strokeWidth="3.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="16" cy="21.500" r="2.200" className="logo-sun" />
    </svg>
  );
}
