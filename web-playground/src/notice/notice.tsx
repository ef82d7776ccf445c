import { useEffect } from 'react';
import { create } from 'zustand';
import './notice.css';

interface Notice {
  text: string;
  isError: boolean;
  /** Whether it is dismissed automatically, because the user need not act on it. */
  isBrief: boolean;
}

const BRIEF_NOTICE_MS = 6_000;
const useNotice = create<{ notice: Notice | null }>(() => ({ notice: null }));

export function showNotice(text: string): void {
  useNotice.setState({ notice: { text, isError: false, isBrief: false } });
}

export function showBriefNotice(text: string): void {
  useNotice.setState({ notice: { text, isError: false, isBrief: true } });
}

export function showError(text: string): void {
  useNotice.setState({ notice: { text, isError: true, isBrief: false } });
}

function dismiss(): void {
  useNotice.setState({ notice: null });
}

/** A notice below the header, until it is dismissed. */
export function NoticeBar() {
  const { notice } = useNotice();
  useEffect(() => {
    if (!notice?.isBrief) return;
    const timer = setTimeout(dismiss, BRIEF_NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  return (
    // Always rendered: screen readers announce changes only in live regions that already exist.
    <div className={notice ? 'notice' : 'notice notice-empty'}>
      <p className="notice-text" role="status">
        {notice && !notice.isError && notice.text}
      </p>
      {notice?.isError && (
        <p className="notice-text notice-problem" role="alert">
          {notice.text}
        </p>
      )}
      {notice && (
        <button type="button" className="button" onClick={dismiss}>
          Dismiss
        </button>
      )}
    </div>
  );
}
