// Light or dark: as the system says, unless the reader chose.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const NAME = 'taskwatcher-theme';

export const theme = signal<Theme>('system');
/** Whether dark is shown now; canvases are painted anew when it changes. */
export const dark = signal(false);

export function startTheme(): void {
  const kept = stored();
  if (kept === 'light' || kept === 'dark') theme.value = kept;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const settle = (): void => {
    colours.clear();
    dark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches);
  };
  system.addEventListener('change', settle);
  effect(() => {
    const root = document.documentElement;
    if (theme.value === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = theme.value;
    settle();
  });
}

export function nextTheme(): void {
  const order: Theme[] = ['system', 'light', 'dark'];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] ?? 'system';
  try {
    localStorage.setItem(NAME, theme.value);
  } catch {
    // A page from file:// may have no storage; the choice then lasts as long as the page.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}

/** Asking for a style makes the browser compute all that has changed: once for each theme is enough. */
const colours = new Map<string, string>();

/** A colour of the style sheet, for canvases. */
export function colour(name: string): string {
  let found = colours.get(name);
  if (found === undefined) {
    found = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(name, found);
  }
  return found;
}
