import { Component, type ComponentType, lazy, type ReactNode, Suspense, useState } from 'react';

type Load = () => Promise<{ default: ComponentType }>;

/** A panel whose code is loaded when it is opened. If that fails, the panel says so, and everything else goes on. */
export function lazyPanel(title: string, load: Load): ComponentType {
  let Panel = lazy(load);
  return function LazyPanel() {
    // A failed load is remembered by its component: trying again needs a new one.
    const [attempt, setAttempt] = useState(0);
    function tryAgain() {
      Panel = lazy(load);
      setAttempt(attempt + 1);
    }
    return (
      <LoadBoundary key={attempt} title={title} onRetry={tryAgain}>
        <Suspense fallback={<p role="status">Loading {title}…</p>}>
          <Panel />
        </Suspense>
      </LoadBoundary>
    );
  };
}

interface Props {
  title: string;
  onRetry: () => void;
  children: ReactNode;
}

class LoadBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const { title, onRetry } = this.props;
    return (
      <section aria-label={title} role="alert">
        <p>
          The panel {title} could not be loaded: the server is unreachable, or has a newer version of this
          page. Your operations are kept.
        </p>
        <p className="button-row">
          <button type="button" className="button button-main" onClick={onRetry}>
            Try again
          </button>
          <button type="button" className="button" onClick={() => location.reload()}>
            Reload the page
          </button>
        </p>
      </section>
    );
  }
}
