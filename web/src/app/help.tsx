// The keys, and what the viewer promises.
import { useEffect, useRef } from 'preact/hooks';

/** Keys with a space between them are one or the other. */
const KEYS: [title: string, keys: [string, string][]][] = [
  [
    'Everywhere',
    [
      ['?', 'these keys'],
      ['o', 'open a file'],
      ['/', 'search'],
      ['Esc', 'empty a search field, then leave it'],
      ['t', 'light, dark, or as the system'],
      ['Tab Shift+Tab', 'from part to part'],
    ],
  ],
  [
    'Log',
    [
      ['1 2 3 4', 'lines, state, keys, problems'],
      ['← →', 'one line back or on'],
      ['Enter Shift+Enter', 'in the search: next, previous match'],
      ['n Shift+n', 'next, previous match'],
      ['p Shift+p', 'next, previous problem'],
      ['g', 'go to a line'],
      ['f', 'follow a growing file'],
      ['↑ ↓ j k', 'in the lines: one up or down'],
      ['PgUp PgDn Home End', 'in the lines, keys, problems'],
      ['+ − 0 ← →', 'in a chart: zoom, all, move'],
    ],
  ],
  [
    'History',
    [
      ['1 2', 'table, timeline'],
      ['↑ ↓ PgUp PgDn Home End', 'in the table; ↑ from its first row to the heads'],
      ['Enter', 'details'],
      ['Esc', 'close the details'],
      ['+ − 0', 'in the timeline: zoom, all'],
      ['← → ↑ ↓', 'in the timeline: from task to task'],
    ],
  ],
];

export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={close}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <header>
        <h2 id="help-title">Keys</h2>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <div class="key-lists">
        {KEYS.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key + what}>
                  <dt>
                    {key.split(' ').map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p class="dim">
        The address keeps where you are: a bookmark or a link leads back once the same file is open. Files are read in
        this browser only; the page asks no server for anything.
      </p>
    </dialog>
  );
}
