import { type KeyboardEvent, type PointerEvent, type RefObject, useRef, useState } from 'react';
import { storage } from '../storage/storage';

interface Split {
  container: RefObject<HTMLDivElement | null>;
  percent: number;
  min: number;
  max: number;
  change: (percent: number) => void;
}

const KEY_STEP = 2;

/** How much of its container a pane takes, in percent; kept in this browser. */
export function useSplit(name: string, initial: number, { min, max }: { min: number; max: number }): Split {
  const container = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<Record<string, number>>({});
  const percent = chosen[name] ?? readPercent(name) ?? initial;

  return {
    container,
    percent: clamp(percent, min, max),
    min,
    max,
    change(next) {
      setChosen({ ...chosen, [name]: clamp(next, min, max) });
      storage.setItem(`split:${name}`, String(clamp(next, min, max)));
    },
  };
}

function readPercent(name: string): number | undefined {
  const percent = Number.parseFloat(storage.getItem(`split:${name}`) ?? '');
  return Number.isNaN(percent) ? undefined : percent;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

interface Props {
  split: Split;
  label: string;
  /** Whether the pane that it sizes is on its right. */
  isReversed?: boolean;
}

/** The line between two panes, which can be dragged, or moved by arrow keys. */
export function Splitter({ split: { container, percent, min, max, change }, label, isReversed }: Props) {
  function onPointerMove(event: PointerEvent<HTMLElement>) {
    const room = container.current?.getBoundingClientRect();
    if (!room || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const left = ((event.clientX - room.left) / room.width) * 100;
    change(isReversed ? 100 - left : left);
  }

  function onKeyDown(event: KeyboardEvent) {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction) return;
    event.preventDefault();
    change(percent + direction * KEY_STEP * (isReversed ? -1 : 1));
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved.
    <div
      className="splitter"
      role="separator"
      aria-label={label}
      aria-orientation="vertical"
      aria-valuenow={Math.round(percent)}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    />
  );
}
