// How much room there is: which panes stand side by side.
import { signal } from '@preact/signals';

export type Room = 'wide' | 'medium' | 'narrow';
export const room = signal<Room>('wide');

export function startWidth(): void {
  const wide = matchMedia('(min-width: 1100px)');
  const medium = matchMedia('(min-width: 720px)');
  const settle = (): void => {
    room.value = wide.matches ? 'wide' : medium.matches ? 'medium' : 'narrow';
  };
  wide.addEventListener('change', settle);
  medium.addEventListener('change', settle);
  settle();
}
