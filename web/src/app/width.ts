// How much room there is: which panes stand side by side, and how high charts may be.
import { signal } from '@preact/signals';

export type Room = 'wide' | 'medium' | 'narrow';
export const room = signal<Room>('wide');
/** A low window: three charts are to be seen whole beside some lines. */
export const isLow = signal(false);

export function startWidth(): void {
  const wide = matchMedia('(min-width: 1100px)');
  const medium = matchMedia('(min-width: 720px)');
  const low = matchMedia('(max-height: 760px)');
  const settle = (): void => {
    isLow.value = low.matches;
    room.value = wide.matches ? 'wide' : medium.matches ? 'medium' : 'narrow';
  };
  for (const query of [wide, medium, low]) query.addEventListener('change', settle);
  settle();
}
