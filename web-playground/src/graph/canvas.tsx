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
import { type Area, centerOn, fitView, isVisible, pan, type View, zoomAt } from './view';
import './canvas.css';

interface Props {
  label: string;
  width: number;
  height: number;
  /** The minimum initial scale, so that it is readable. */
  minScale: number;
  /** An area that is centered when it changes. */
  scrollTarget?: Area | undefined;
  /** The selected area: it stays visible when the frame is resized, until the user pans or zooms. */
  selection?: Area | undefined;
  onShowAll?: () => void;
  children: ReactNode;
}

const ZOOM_FACTOR = 1.25;
const KEY_PAN_PX = 60;
/** A shorter pointer movement is a click. */
const DRAG_THRESHOLD_PX = 4;

/** A drawing larger than its frame: pan by dragging or scrolling, zoom with Ctrl and the wheel, or use the keyboard. */
export function Canvas({
  label,
  width,
  height,
  minScale,
  scrollTarget,
  selection,
  onShowAll,
  children,
}: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const size = useRef({ width: 0, height: 0 });
  // A view that the user has moved is kept when the panel is resized; otherwise the drawing is fitted again.
  const mode = useRef<'readable' | 'all' | 'moved'>('readable');
  const latest = useRef(view);
  const keepVisible = useRef<Area>(undefined);
  const setCurrentView = useCallback((next: View) => {
    latest.current = next;
    setView(next);
  }, []);
  const change = useCallback(
    (next: (view: View) => View) => {
      mode.current = 'moved';
      keepVisible.current = undefined;
      setCurrentView(next(latest.current));
    },
    [setCurrentView],
  );
  const drag = useDrag(change);
  const keepSelectionVisible = useEffectEvent(() => {
    if (!keepVisible.current || isVisible(latest.current, keepVisible.current, size.current)) return;
    mode.current = 'moved';
    setCurrentView(centerOn(keepVisible.current, latest.current, size.current));
  });
  const fitToFrame = useEffectEvent((element: HTMLElement) => {
    size.current = { width: element.clientWidth, height: element.clientHeight };
    if (mode.current !== 'moved') {
      setCurrentView(fitView({ width, height }, size.current, mode.current === 'all' ? 0 : minScale));
    }
    keepSelectionVisible();
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a different drawing, which the user has not moved yet.
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    if (mode.current === 'moved') mode.current = 'readable';
    fitToFrame(element);
    const observer = new ResizeObserver(() => fitToFrame(element));
    observer.observe(element);
    return () => observer.disconnect();
  }, [width, height]);

  useLayoutEffect(() => {
    // The frame may have been resized in the same update.
    if (frame.current) fitToFrame(frame.current);
    if (scrollTarget) change((current) => centerOn(scrollTarget, current, size.current));
  }, [scrollTarget, change]);

  useLayoutEffect(() => {
    keepVisible.current = selection;
    if (frame.current) fitToFrame(frame.current);
  }, [selection]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const point = { x: event.clientX - left, y: event.clientY - top };
      if (event.ctrlKey || event.metaKey) change((v) => zoomAt(v, Math.exp(-event.deltaY / 300), point));
      else change((v) => pan(v, -event.deltaX, -event.deltaY));
    };
    // React registers passive listeners, which cannot stop the page from scrolling or zooming.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [change]);

  const zoom = (factor: number) =>
    change((v) => zoomAt(v, factor, { x: size.current.width / 2, y: size.current.height / 2 }));
  function showAll() {
    mode.current = 'all';
    keepVisible.current = undefined;
    setCurrentView(fitView({ width, height }, size.current, 0));
    onShowAll?.();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = KEYS[event.key];
    if (move) change((v) => pan(v, move.x * KEY_PAN_PX, move.y * KEY_PAN_PX));
    else if (event.key === '+' || event.key === '=') zoom(ZOOM_FACTOR);
    else if (event.key === '-') zoom(1 / ZOOM_FACTOR);
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
        <button type="button" className="button" aria-label="Zoom in" onClick={() => zoom(ZOOM_FACTOR)}>
          +
        </button>
        <button type="button" className="button" aria-label="Zoom out" onClick={() => zoom(1 / ZOOM_FACTOR)}>
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

/** Pans the view with the pointer. The end of a drag does not count as a click. */
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
      if (!hasMoved.current && Math.hypot(dx, dy) < DRAG_THRESHOLD_PX) return;
      hasMoved.current = true;
      event.currentTarget.setPointerCapture(event.pointerId);
      last.current = { x: event.clientX, y: event.clientY };
      change((view) => pan(view, dx, dy));
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
