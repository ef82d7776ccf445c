import type { Arrow, Fetch, Step, Steps } from './steps';

export interface Box {
  fetch: Fetch;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Which step of the outermost sequence it belongs to, from 1. */
  step: number;
}

/** A frame around parallel steps. */
export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line {
  arrow: Arrow;
  from: { x: number; y: number };
  to: { x: number; y: number };
}

/** The keys that a fetch requires, written above it. */
export interface Label {
  x: number;
  y: number;
  text: string;
  fetch: number;
}

export interface Drawing {
  boxes: Box[];
  frames: Frame[];
  lines: Line[];
  labels: Label[];
  width: number;
  height: number;
}

const MIN_WIDTH = 150;
const MAX_WIDTH = 260;
const PADDING = 30;
/** The average width of a character of a name, a step, a field and secondary text. */
const CHAR_WIDTH = { name: 9, step: 6.5, field: 8, quiet: 6.8 };
const HEADER_HEIGHT = 34;
const LINE_HEIGHT = 18;
const GAP = 24;
const FRAME_GAP = 14;
/** Room for arrows and their labels. */
const STEP_GAP = 58;
/** Further fields are only counted. */
export const MAX_NAMED_FIELDS = 4;

/** Sequences from top to bottom, parallel steps side by side. */
export function layOut({ root, arrows }: Steps): Drawing {
  const drawing: Drawing = { boxes: [], frames: [], lines: [], labels: [], ...sizeOf(root) };
  const steps = root.kind === 'sequence' ? root.steps : [root];
  let y = 0;
  steps.forEach((step, index) => {
    place(step, (drawing.width - sizeOf(step).width) / 2, y, index + 1, drawing);
    y += sizeOf(step).height + STEP_GAP;
  });
  connect(arrows, drawing);
  return drawing;
}

function sizeOf(step: Step): { width: number; height: number } {
  if (step.kind === 'fetch') return { width: widthOf(step.fetch), height: heightOf(step.fetch) };
  const sizes = step.steps.map(sizeOf);
  const largest = (values: number[]) => Math.max(0, ...values);
  const widths = sizes.map((size) => size.width);
  const heights = sizes.map((size) => size.height);
  if (step.kind === 'sequence') {
    return { width: largest(widths), height: sum(heights) + STEP_GAP * Math.max(sizes.length - 1, 0) };
  }
  return {
    width: sum(widths) + GAP * Math.max(sizes.length - 1, 0) + 2 * FRAME_GAP,
    height: largest(heights) + 2 * FRAME_GAP,
  };
}

/** As wide as its longest line: narrow boxes can be shown larger in a narrow panel. */
function widthOf({ subgraph, kind, fields, path }: Fetch): number {
  const longest = Math.max(
    subgraph.length * CHAR_WIDTH.name + stepLabel(kind, 1).length * CHAR_WIDTH.step + CHAR_WIDTH.name,
    ...fields.slice(0, MAX_NAMED_FIELDS).map((field) => field.length * CHAR_WIDTH.field),
    pathLabel(path).length * CHAR_WIDTH.quiet,
  );
  return Math.min(Math.max(Math.ceil(longest) + PADDING, MIN_WIDTH), MAX_WIDTH);
}

export function stepLabel(kind: string, step: number): string {
  return kind === 'query' ? `step ${step}` : `${kind} · step ${step}`;
}

/** The end of a path says more than its beginning. */
export function pathLabel(path: string[]): string {
  if (path.length === 0) return '';
  return path.length > 2 ? `for …${path.slice(-2).join('.')}` : `for ${path.join('.')}`;
}

function heightOf({ fields, path }: Fetch): number {
  const lines = Math.min(fields.length, MAX_NAMED_FIELDS) + (fields.length > MAX_NAMED_FIELDS ? 1 : 0);
  return HEADER_HEIGHT + LINE_HEIGHT * (lines + (path.length > 0 ? 1 : 0)) + 8;
}

function place(step: Step, x: number, y: number, number: number, drawing: Drawing): void {
  if (step.kind === 'fetch') {
    drawing.boxes.push({ fetch: step.fetch, x, y, step: number, ...sizeOf(step) });
    return;
  }
  const own = sizeOf(step);
  if (step.kind === 'sequence') {
    let top = y;
    for (const child of step.steps) {
      const size = sizeOf(child);
      place(child, x + (own.width - size.width) / 2, top, number, drawing);
      top += size.height + STEP_GAP;
    }
    return;
  }
  drawing.frames.push({ x, y, ...own });
  let left = x + FRAME_GAP;
  for (const child of step.steps) {
    place(child, left, y + FRAME_GAP, number, drawing);
    left += sizeOf(child).width + GAP;
  }
}

function connect(arrows: Arrow[], drawing: Drawing): void {
  const box = (id: number) => drawing.boxes.find(({ fetch }) => fetch.id === id);
  for (const arrow of arrows) {
    const [from, to] = [box(arrow.from), box(arrow.to)];
    if (!from || !to) continue;
    drawing.lines.push({
      arrow,
      from: { x: from.x + from.width / 2, y: from.y + from.height },
      to: { x: to.x + to.width / 2, y: to.y },
    });
  }
  for (const { fetch, x, y, width } of drawing.boxes) {
    if (fetch.requires.length === 0) continue;
    drawing.labels.push({
      fetch: fetch.id,
      x: x + width / 2,
      y: y - FRAME_GAP - 8,
      text: fetch.requires.join(', '),
    });
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
