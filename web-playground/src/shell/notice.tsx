import { useEffect } from 'react';
import { create } from 'zustand';
import './notice.css';

interface Notice {
  text: string;
  isProblem: boolean;
  /** Whether it goes away by itself: what was done is done, and nothing depends on reading it. */
  isBrief: boolean;
}

const BRIEF_MS = 6_000;
const useNotice = create<{ notice: Notice | null }>(() => ({ notice: null }));

export function tell(text: string): void {
  useNotice.setState({ notice: { text, isProblem: false, isBrief: false } });
}

export function tellBriefly(text: string): void {
  useNotice.setState({ notice: { text, isProblem: false, isBrief: true } });
}

export function tellProblem(text: string): void {
  useNotice.setState({ notice: { text, isProblem: true, isBrief: false } });
}

function putAway(): void {
  useNotice.setState({ notice: null });
}

/** One line below the header, until it is put away. */
export function NoticeBar() {
  const { notice } = useNotice();
  useEffect(() => {
    if (!notice?.isBrief) return;
    const timer = setTimeout(putAway, BRIEF_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  return (
    // Always there: a screen reader reads out what comes into a place that it knows.
    <div className={notice ? 'notice' : 'notice notice-empty'}>
      <p className="notice-text" role="status">
        {notice && !notice.isProblem && notice.text}
      </p>
      {notice?.isProblem && (
        <p className="notice-text notice-problem" role="alert">
          {notice.text}
        </p>
      )}
      {notice && (
        <button type="button" className="button" onClick={putAway}>
          Dismiss
        </button>
      )}
    </div>
  );
}
