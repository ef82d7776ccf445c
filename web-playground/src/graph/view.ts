/** The visible part of a drawing: it is scaled, then translated. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

interface Size {
  width: number;
  height: number;
}

interface Point {
  x: number;
  y: number;
}

/** A part of a drawing. */
export interface Area extends Point, Size {}

const MIN_SCALE = 0.15;
/** A drawing that is shown in full may be smaller. */
const MIN_WHOLE_SCALE = 0.05;
const MAX_SCALE = 3;
const MARGIN = 12;
/** The height of the buttons at the bottom, which must not cover a drawing that is shown in full. */
export const CONTROLS_HEIGHT = 40;

/** Shows the whole drawing, but not at a smaller scale than `readable`; then starting at its top left. */
export function fitView(drawing: Size, frame: Size, readable: number): View {
  const room = { width: frame.width - 2 * MARGIN, height: frame.height - 2 * MARGIN - CONTROLS_HEIGHT };
  const whole = Math.min(room.width / drawing.width, room.height / drawing.height, 1);
  const scale = Math.max(whole, readable, MIN_WHOLE_SCALE);
  return {
    scale,
    x: Math.max((frame.width - drawing.width * scale) / 2, MARGIN),
    y: MARGIN,
  };
}

export function pan(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** Keeps the point under the pointer fixed. */
export function zoomAt(view: View, factor: number, point: Point): View {
  const scale = Math.min(Math.max(view.scale * factor, MIN_SCALE), MAX_SCALE);
  const ratio = scale / view.scale;
  return {
    scale,
    x: point.x - (point.x - view.x) * ratio,
    y: point.y - (point.y - view.y) * ratio,
  };
}

/** Centers an area, at the same or at least a readable scale. */
export function centerOn({ x, y, width, height }: Area, { scale }: View, frame: Size): View {
  const readable = Math.max(scale, 0.8);
  return {
    scale: readable,
    x: frame.width / 2 - (x + width / 2) * readable,
    y: frame.height / 2 - (y + height / 2) * readable,
  };
}

/** Whether the whole area is in the frame. */
export function isVisible(view: View, { x, y, width, height }: Area, frame: Size): boolean {
  const left = view.x + x * view.scale;
  const top = view.y + y * view.scale;
  const isAcross = left >= 0 && left + width * view.scale <= frame.width;
  return isAcross && top >= 0 && top + height * view.scale <= frame.height;
}
