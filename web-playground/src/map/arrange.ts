import { CONTROLS_HEIGHT } from '../graph/view';
import type { GraphDrawing } from './layout';

interface Size {
  width: number;
  height: number;
}

export interface ChosenLayout {
  drawing: GraphDrawing;
  /** The minimum initial scale. */
  minScale: number;
}

/** Smaller than this, names are hard to read. */
export const MIN_READABLE_SCALE = 0.7;
/** The margin of the canvas around the drawing. */
const MARGIN = 24;

/**
 * Chooses a drawing for the size of the panel, from drawings with an increasing number of columns: the one that is
 * largest when shown in full, if that is readable or `isWhole`; otherwise the widest readable one, which overflows
 * at the bottom.
 */
export function chooseLayout(
  drawings: GraphDrawing[],
  panel: Size,
  isWhole: boolean,
): ChosenLayout | undefined {
  const scaleOf = (drawing: GraphDrawing) => wholeScale(drawing, panel);
  const largest = drawings.toSorted((one, other) => scaleOf(other) - scaleOf(one))[0];
  if (!largest) return undefined;
  if (isWhole || scaleOf(largest) >= MIN_READABLE_SCALE) return { drawing: largest, minScale: 0 };

  const isReadable = (drawing: GraphDrawing) => widthScale(drawing, panel) >= MIN_READABLE_SCALE;
  const drawing = drawings.findLast(isReadable) ?? drawings[0] ?? largest;
  return { drawing, minScale: Math.max(widthScale(drawing, panel), MIN_READABLE_SCALE) };
}

/** Whether the whole drawing can be read in a panel of this size. */
export function isReadableWhole(drawings: GraphDrawing[], panel: Size): boolean {
  return drawings.some((drawing) => wholeScale(drawing, panel) >= MIN_READABLE_SCALE);
}

function wholeScale(drawing: GraphDrawing, panel: Size): number {
  return Math.min(widthScale(drawing, panel), (panel.height - MARGIN - CONTROLS_HEIGHT) / drawing.height);
}

function widthScale({ width }: GraphDrawing, panel: Size): number {
  return Math.min((panel.width - MARGIN) / width, 1);
}
