// The bar on top: what is open, and what can be done with it.
import { bytes } from '../text/number';
import { visible } from '../text/visible';
import { tell } from '../ui/save';
import { closeFile, current, isOpen, reload } from './opening';
import { pick } from './picking';
import { noteOnly } from './place';
import { nextTheme, theme } from './theme';

const THEMES = { system: 'Auto', light: 'Light', dark: 'Dark' };

export function Header({ onHelp }: { onHelp: () => void }) {
  const now = current.value;
  const open = isOpen(now);
  const follower = now.kind === 'log' ? now.model.follower : null;
  return (
    <header class="top">
      <p class="brand">
        <svg width="18" height="18" viewBox="0 0 16 16" aria-hidden="true">
          <rect width="16" height="16" rx="4" />
          <path d="M3 5h6M3 8h10M3 11h4" />
        </svg>
        <span>taskwatcher</span>
      </p>
      {open && (
        <h1 class="file" title={`${now.model.name}, ${bytes(now.kind === 'log' ? now.model.total.value : now.model.bytes)}`}>
          {visible(now.model.name)}
        </h1>
      )}
      <nav class="actions" aria-label="File">
        {follower?.possible && (
          <button type="button" class="quiet" aria-pressed={follower.on.value} title="Read on while the file grows" onClick={() => follower.toggle()}>
            Follow
          </button>
        )}
        {open && (
          <button type="button" class="quiet" onClick={() => void again()}>
            Reload
          </button>
        )}
        <button type="button" onClick={() => void pick()}>
          Open…
        </button>
        {open && (
          <button type="button" class="quiet" onClick={leave}>
            Close
          </button>
        )}
        <button type="button" class="quiet" title="Light, dark, or as the system" aria-label={`Theme: ${THEMES[theme.value]}`} onClick={nextTheme}>
          <span class={`half ${theme.value}`} /> <span class="theme-word">{THEMES[theme.value]}</span>
        </button>
        <button type="button" class="quiet" aria-label="Help and keys" title="Help and keys (?)" onClick={onHelp}>
          ?
        </button>
      </nav>
    </header>
  );
}

async function again(): Promise<void> {
  const how = await reload();
  if (how === 'gone') tell('The file cannot be read any more: it was moved, deleted or locked. What was read of it stays here.');
  if (how !== 'pick') return;
  tell('This browser keeps only the old version: pick the file again');
  await pick();
}

function leave(): void {
  closeFile();
  noteOnly({});
}
