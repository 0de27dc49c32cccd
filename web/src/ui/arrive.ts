// Where the focus goes when a view takes the place of what had it: to the view, so that the next
// Tab goes on inside it and a screen reader says where one is.
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export function useArrival(): RefObject<HTMLElement | null> {
  const view = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (document.activeElement === document.body) view.current?.focus({ preventScroll: true });
  }, []);
  return view;
}
