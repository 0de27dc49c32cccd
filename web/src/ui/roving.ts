// One row of a long list can be reached with Tab; the arrow keys lead from row to row. Else whoever
// wants to go past the list would have to go through all that stands in view.
import { useComputed, useSignal } from '@preact/signals';
import type { HTMLAttributes } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Position } from './position';

const ROW = 'data-row';

export interface Roving {
  box: HTMLAttributes<HTMLDivElement>;
  rowProps: (row: number) => { [ROW]: number };
  /** Of whatever can be focused in a row. */
  tabIndex: (row: number) => 0 | -1;
  /** Called with what is in view. */
  seen: (first: number, count: number) => void;
}

export function useRoving(rows: number, position: Position): Roving {
  const wanted = useSignal(0);
  const view = useSignal<[first: number, count: number]>([0, 0]);
  const at = Math.max(0, Math.min(wanted.value, rows - 1));
  // The row may be scrolled away: the list itself is there instead.
  const there = useComputed(() => wanted.value >= view.value[0] && wanted.value < view.value[0] + view.value[1]);
  const box = useRef<Element | null>(null);
  /** Which of its things the next row is to focus. */
  const next = useRef<number | null>(null);

  useLayoutEffect(() => {
    const inside = box.current?.querySelector(`[${ROW}="${at}"]`)?.querySelectorAll('button');
    if (next.current === null || !inside?.length) return;
    inside[Math.min(next.current, inside.length - 1)]?.focus({ preventScroll: true });
    next.current = null;
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.currentTarget instanceof Element)) return;
    const page = position.pageRows;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows - 1 }[event.key];
    if (to === undefined || rows === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const row = event.target instanceof Element ? event.target.closest(`[${ROW}]`) : null;
    box.current = event.currentTarget;
    next.current = row ? [...row.querySelectorAll('button')].indexOf(event.target as HTMLButtonElement) : rows;
    // From the list itself, to the row that it stands for.
    wanted.value = row ? Math.max(0, Math.min(to, rows - 1)) : at;
    position.reveal(wanted.value);
  };
  const onFocusIn = (event: FocusEvent): void => {
    const row = event.target instanceof Element ? event.target.closest(`[${ROW}]`)?.getAttribute(ROW) : null;
    if (row) wanted.value = Number(row);
  };
  return {
    box: { tabIndex: there.value ? -1 : 0, onKeyDown, onFocusIn },
    rowProps: (row) => ({ [ROW]: row }),
    tabIndex: (row) => (row === at ? 0 : -1),
    seen: (first, count) => (view.value = [first, count]),
  };
}
