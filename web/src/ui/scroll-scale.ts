// Scroll bars for lists that are higher than a browser's elements can be.
//
// Chromium ends an element at 33,554,428 px: 1.6 million rows of 20 px. A longer list gets a scroll
// area of `AREA` pixels. Both ends of it are one to one, so that every last row is reached by plain
// scrolling; the middle is scaled, so that the thumb still stands where the rows are.

/** Well below every browser's limit. */
export const AREA = 8_000_000;
/** How much at either end is one to one. */
const EDGE = 60_000;

export interface Scale {
  /** Height of all rows in pixels. */
  content: number;
  /** Height of the scroll area in pixels. */
  area: number;
}

export function scaleOf(rows: number, rowHeight: number): Scale {
  const content = rows * rowHeight;
  return { content, area: Math.min(content, AREA) };
}

/** Where the content stands when the scroll bar is at `scrollTop`. */
export function toContent(scale: Scale, scrollTop: number, viewport: number): number {
  const { content, area } = scale;
  if (content === area) return scrollTop;
  const lastTop = area - viewport;
  if (scrollTop <= EDGE) return scrollTop;
  if (scrollTop >= lastTop - EDGE) return content - viewport - (lastTop - scrollTop);
  const part = (scrollTop - EDGE) / (lastTop - 2 * EDGE);
  return EDGE + part * (content - viewport - 2 * EDGE);
}

/** Where the scroll bar has to stand for content at `top`. */
export function toScroll(scale: Scale, top: number, viewport: number): number {
  const { content, area } = scale;
  if (content === area) return top;
  const last = content - viewport;
  const lastTop = area - viewport;
  if (top <= EDGE) return top;
  if (top >= last - EDGE) return lastTop - (last - top);
  return EDGE + ((top - EDGE) / (last - 2 * EDGE)) * (lastTop - 2 * EDGE);
}

export function clampTop(scale: Scale, top: number, viewport: number): number {
  return Math.max(0, Math.min(top, scale.content - viewport));
}
