/** Which part of a drawing is seen: it is scaled, then moved. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

interface Size {
  width: number;
  height: number;
}

interface Place {
  x: number;
  y: number;
}

/** A part of a drawing. */
export interface Area extends Place, Size {}

const SMALLEST = 0.15;
const LARGEST = 3;
const MARGIN = 12;
/** What the buttons take at the bottom: where all of a drawing is shown, none of it lies under them. */
export const BUTTONS = 40;

/** All of the drawing, at the top; but never smaller than `readable`, and then from its top left. */
export function fitted(drawing: Size, frame: Size, readable: number): View {
  const room = { width: frame.width - 2 * MARGIN, height: frame.height - 2 * MARGIN - BUTTONS };
  const whole = Math.min(room.width / drawing.width, room.height / drawing.height, 1);
  const scale = Math.max(whole, readable, SMALLEST);
  return {
    scale,
    x: Math.max((frame.width - drawing.width * scale) / 2, MARGIN),
    y: MARGIN,
  };
}

export function moved(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** What is at the place stays there. */
export function zoomed(view: View, factor: number, place: Place): View {
  const scale = Math.min(Math.max(view.scale * factor, SMALLEST), LARGEST);
  const grown = scale / view.scale;
  return { scale, x: place.x - (place.x - view.x) * grown, y: place.y - (place.y - view.y) * grown };
}

/** The same scale, or a readable one, with this part of the drawing in the middle. */
export function at({ x, y, width, height }: Area, { scale }: View, frame: Size): View {
  const readable = Math.max(scale, 0.8);
  return {
    scale: readable,
    x: frame.width / 2 - (x + width / 2) * readable,
    y: frame.height / 2 - (y + height / 2) * readable,
  };
}

/** Whether all of this part of the drawing is in the frame. */
export function shows(view: View, { x, y, width, height }: Area, frame: Size): boolean {
  const left = view.x + x * view.scale;
  const top = view.y + y * view.scale;
  const isAcross = left >= 0 && left + width * view.scale <= frame.width;
  return isAcross && top >= 0 && top + height * view.scale <= frame.height;
}
