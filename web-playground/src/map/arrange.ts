import { BUTTONS } from '../graph/view';
import type { GraphDrawing } from './layout';

interface Size {
  width: number;
  height: number;
}

export interface Arrangement {
  drawing: GraphDrawing;
  /** At which scale it is drawn at first. */
  readable: number;
}

/** Smaller than this, names are hard to read. */
const SMALLEST = 0.7;
/** What the canvas keeps free around the drawing. */
const MARGIN = 24;

/**
 * Chooses, of drawings with more and more columns, the one for a panel: all of it as large as it can be, if that
 * can be read or if all of it is wanted; else the widest one that can be read, which then goes on below.
 */
export function arrange(drawings: GraphDrawing[], panel: Size, isWhole: boolean): Arrangement | undefined {
  const scaleOf = (drawing: GraphDrawing) =>
    Math.min(widthScale(drawing, panel), (panel.height - MARGIN - BUTTONS) / drawing.height);
  const largest = drawings.toSorted((one, other) => scaleOf(other) - scaleOf(one))[0];
  if (!largest) return undefined;
  if (isWhole || scaleOf(largest) >= SMALLEST) return { drawing: largest, readable: 0 };

  const isReadable = (drawing: GraphDrawing) => widthScale(drawing, panel) >= SMALLEST;
  const drawing = drawings.findLast(isReadable) ?? drawings[0] ?? largest;
  return { drawing, readable: Math.max(widthScale(drawing, panel), SMALLEST) };
}

function widthScale({ width }: GraphDrawing, panel: Size): number {
  return Math.min((panel.width - MARGIN) / width, 1);
}
