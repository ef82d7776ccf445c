import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { type Area, at, fitted, moved, shows, type View, zoomed } from './view';
import './canvas.css';
import './subgraphs.css';

interface Props {
  label: string;
  width: number;
  height: number;
  /** Never smaller than this at first, so that it can be read; the button shows all of it. */
  readable: number;
  /** What somebody looks for: it comes to the middle when it changes. */
  sought?: Area | undefined;
  /** What was chosen: it stays in sight, whatever opens beside the drawing, until somebody moves away from it. */
  chosen?: Area | undefined;
  onShowAll?: () => void;
  children: ReactNode;
}

const STEP = 1.25;
const KEY_STEP = 60;
/** A pointer that moves less than this has clicked. */
const CLICK_PX = 4;

/** A drawing larger than its place: dragged, scrolled, zoomed with Ctrl and the wheel, or by keyboard. */
export function Canvas({ label, width, height, readable, sought, chosen, onShowAll, children }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const size = useRef({ width: 0, height: 0 });
  // Whoever has moved the drawing keeps their place when the panel changes its size; all of it stays all of it.
  const mode = useRef<'readable' | 'all' | 'moved'>('readable');
  const latest = useRef(view);
  const kept = useRef<Area>(undefined);
  const put = useCallback((next: View) => {
    latest.current = next;
    setView(next);
  }, []);
  const change = useCallback(
    (next: (view: View) => View) => {
      mode.current = 'moved';
      kept.current = undefined;
      put(next(latest.current));
    },
    [put],
  );
  const drag = useDrag(change);
  const keepInSight = useEffectEvent(() => {
    if (!kept.current || shows(latest.current, kept.current, size.current)) return;
    mode.current = 'moved';
    put(at(kept.current, latest.current, size.current));
  });
  const fitIn = useEffectEvent((element: HTMLElement) => {
    size.current = { width: element.clientWidth, height: element.clientHeight };
    if (mode.current !== 'moved') {
      put(fitted({ width, height }, size.current, mode.current === 'all' ? 0 : readable));
    }
    keepInSight();
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: another drawing, which nobody has moved yet.
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    if (mode.current === 'moved') mode.current = 'readable';
    fitIn(element);
    const observer = new ResizeObserver(() => fitIn(element));
    observer.observe(element);
    return () => observer.disconnect();
  }, [width, height]);

  useLayoutEffect(() => {
    // What opens at the same time has taken its place beside the drawing already.
    if (frame.current) fitIn(frame.current);
    if (sought) change((current) => at(sought, current, size.current));
  }, [sought, change]);

  useLayoutEffect(() => {
    kept.current = chosen;
    if (frame.current) fitIn(frame.current);
  }, [chosen]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const place = { x: event.clientX - left, y: event.clientY - top };
      if (event.ctrlKey || event.metaKey) change((v) => zoomed(v, Math.exp(-event.deltaY / 300), place));
      else change((v) => moved(v, -event.deltaX, -event.deltaY));
    };
    // React listens passively, and then the page would scroll or zoom, too.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [change]);

  const zoom = (factor: number) =>
    change((v) => zoomed(v, factor, { x: size.current.width / 2, y: size.current.height / 2 }));
  function showAll() {
    mode.current = 'all';
    kept.current = undefined;
    put(fitted({ width, height }, size.current, 0));
    onShowAll?.();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = KEYS[event.key];
    if (move) change((v) => moved(v, move.x * KEY_STEP, move.y * KEY_STEP));
    else if (event.key === '+' || event.key === '=') zoom(STEP);
    else if (event.key === '-') zoom(1 / STEP);
    else if (event.key === '0') showAll();
    else return;
    event.preventDefault();
  }

  return (
    <div className="canvas">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields. */}
      <div
        ref={frame}
        className="canvas-frame"
        role="group"
        aria-label={`${label}. Arrow keys move it, plus and minus zoom, zero shows all.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        onKeyDown={onKeyDown}
        {...drag}
      >
        <div
          className="canvas-content"
          style={{ width, height, transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
        >
          {children}
        </div>
      </div>
      <div className="canvas-controls">
        <button type="button" className="button" aria-label="Zoom in" onClick={() => zoom(STEP)}>
          +
        </button>
        <button type="button" className="button" aria-label="Zoom out" onClick={() => zoom(1 / STEP)}>
          −
        </button>
        <button type="button" className="button" onClick={showAll}>
          Show all
        </button>
      </div>
    </div>
  );
}

const KEYS: Record<string, { x: number; y: number }> = {
  ArrowLeft: { x: 1, y: 0 },
  ArrowRight: { x: -1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};

/** Moves the view with the pointer. What began as a drag is no click on what lies under it. */
function useDrag(change: (next: (view: View) => View) => void) {
  const last = useRef<{ x: number; y: number } | null>(null);
  const hasMoved = useRef(false);

  return {
    onPointerDown(event: PointerEvent) {
      if (event.button !== 0) return;
      last.current = { x: event.clientX, y: event.clientY };
      hasMoved.current = false;
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const from = last.current;
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!hasMoved.current && Math.hypot(dx, dy) < CLICK_PX) return;
      hasMoved.current = true;
      event.currentTarget.setPointerCapture(event.pointerId);
      last.current = { x: event.clientX, y: event.clientY };
      change((view) => moved(view, dx, dy));
    },
    onPointerUp() {
      last.current = null;
    },
    onPointerCancel() {
      last.current = null;
    },
    onClickCapture(event: { stopPropagation: () => void }) {
      if (hasMoved.current) event.stopPropagation();
      hasMoved.current = false;
    },
  };
}
