// A list of any length that keeps only the rows in view in the page.
//
// Rows stand on a layer that does not scroll itself: it sticks to the upper edge, and each row is
// placed by how far it is from the content's top. So rows are exact at any height, while the scroll
// bar may be scaled (see scroll-scale). The nodes of rows are used again as they leave the view.
import type { ComponentChildren, HTMLAttributes } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Position } from './position';
import { clampTop, scaleOf, toContent, toScroll } from './scroll-scale';

interface Props {
  rows: number;
  position: Position;
  /** A row's inside; `row` counts from 0. */
  children: (row: number) => ComponentChildren;
  rowProps?: (row: number) => HTMLAttributes<HTMLDivElement>;
  boxProps?: HTMLAttributes<HTMLDivElement>;
  class?: string;
  /** For rows that hold something to focus: a node in use is not handed to another row. */
  keepNodes?: boolean;
  /** What stands above the rows and stays, as a table's head. */
  head?: ComponentChildren;
  /** Called with what is in view whenever that changes. */
  onView?: (first: number, count: number) => void;
}

const SPARE = 3;

export function VirtualList({ keepNodes, rows, position, children, rowProps, boxProps, class: name, head, onView }: Props) {
  const box = useRef<HTMLDivElement>(null);
  /** The scroll bar's place as it was seen last. */
  const seen = useRef(0);
  const scrolling = useRef(false);
  const { rowHeight } = position;
  position.rows = rows;
  const viewport = position.viewport.value;
  const scale = scaleOf(rows, rowHeight);
  const top = clampTop(scale, Math.max(0, position.top.value), viewport) || 0;
  const safeTop = Math.max(0, top);
  const first = Math.max(0, Math.floor(safeTop / rowHeight) - SPARE);
  const end = viewport === 0 ? 0 : Math.min(rows, Math.ceil((safeTop + viewport) / rowHeight) + SPARE);
  const slots = Math.ceil(viewport / rowHeight) + 2 * SPARE + 2;

  /** Puts the scroll bar where the content is, without taking that for a scroll. */
  const settle = (): void => {
    const element = box.current;
    if (!element) return;
    const wanted = toScroll(scale, Math.max(0, clampTop(scale, position.top.peek(), viewport)), viewport);
    if (Math.abs(element.scrollTop - wanted) >= 1) element.scrollTop = wanted;
    seen.current = element.scrollTop;
  };

  const scrolled = (): void => {
    const element = box.current;
    if (!element) return;
    const now = element.scrollTop;
    const moved = now - seen.current;
    if (Math.abs(moved) < 0.5) return;
    seen.current = now;
    if (scale.content === scale.area) position.top.value = now;
    // A wheel, a finger or a key moves by pixels of content; the thumb moves by parts of the whole.
    else if (Math.abs(moved) <= viewport * 1.5) position.move(position.top.peek() + moved);
    else position.move(toContent(scale, now, viewport));
    const edge = now < viewport || now > scale.area - 2 * viewport;
    if (edge && scale.content !== scale.area) settle();
  };

  // The listeners are added once; they use what the last drawing knew.
  const current = useRef({ settle, scrolled });
  current.current = { settle, scrolled };

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => {
      const header = element.querySelector<HTMLElement>('.list-head');
      position.measured(Math.max(0, element.clientHeight - (header?.offsetHeight ?? 0)));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // A position that somebody else moved: the scroll bar follows. While the reader scrolls a scaled
  // list, it is left alone until they stop.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || viewport === 0) return;
    const wanted = toScroll(scale, safeTop, viewport);
    const byScrolling = Math.abs(element.scrollTop - seen.current) < 1 && scrolling.current;
    if (!byScrolling && Math.abs(element.scrollTop - wanted) >= 1) settle();
  }, [safeTop, rows, viewport]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const stopped = (): void => {
      scrolling.current = false;
      current.current.settle();
    };
    const moving = (): void => {
      scrolling.current = element.scrollTop !== seen.current;
      current.current.scrolled();
    };
    element.addEventListener('scroll', moving, { passive: true });
    element.addEventListener('scrollend', stopped);
    return () => {
      element.removeEventListener('scroll', moving);
      element.removeEventListener('scrollend', stopped);
    };
  }, []);

  // Before the paint, so that rows are on their way as early as can be.
  useLayoutEffect(() => {
    if (end > first) onView?.(first, end - first);
  }, [first, end, rows]);

  const shown = [];
  for (let row = first; row < end; row++) {
    const props = rowProps?.(row);
    shown.push(
      <div
        {...props}
        key={keepNodes ? row : row % slots}
        class={`list-row ${props?.class ?? ''}`}
        style={{ height: `${rowHeight}px`, transform: `translateY(${row * rowHeight - safeTop}px)` }}
      >
        {children(row)}
      </div>,
    );
  }
  return (
    <div {...boxProps} ref={box} class={`list ${name ?? ''}`}>
      {head}
      <div class="list-layer" role="presentation">
        {shown}
      </div>
      <div class="list-area" role="presentation" style={{ height: `${scale.area}px` }} />
    </div>
  );
}
