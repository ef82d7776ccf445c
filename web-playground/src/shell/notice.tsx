import { create } from 'zustand';
import './notice.css';

interface Notice {
  text: string;
  isProblem: boolean;
}

const useNotice = create<{ notice: Notice | null }>(() => ({ notice: null }));

export function tell(text: string): void {
  useNotice.setState({ notice: { text, isProblem: false } });
}

export function tellProblem(text: string): void {
  useNotice.setState({ notice: { text, isProblem: true } });
}

/** One line below the header, until it is put away. */
export function NoticeBar() {
  const { notice } = useNotice();
  if (!notice) return null;
  return (
    <div className={notice.isProblem ? 'notice notice-problem' : 'notice'}>
      <p className="notice-text" role={notice.isProblem ? 'alert' : 'status'}>
        {notice.text}
      </p>
      <button type="button" className="button" onClick={() => useNotice.setState({ notice: null })}>
        Dismiss
      </button>
    </div>
  );
}
