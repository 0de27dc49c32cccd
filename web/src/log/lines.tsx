// The lines of the log, each with its number, its kind and what is wrong with it.
import { useLayoutEffect } from 'preact/hooks';
import type { Row } from '../protocol/core-types';
import { count } from '../text/number';
import { visible } from '../text/visible';
import { VirtualList } from '../ui/virtual-list';
import type { LogModel } from './model';
import { places } from './search';

const MARKS: Record<Row['kind'], [mark: string, words: string]> = {
  set: ['', 'sets a key'],
  clear: ['−', 'clears a key'],
  'clear-all': ['∅', 'clears all keys'],
  comment: ['', 'comment'],
  blank: ['', 'blank'],
  malformed: ['!', 'malformed'],
  refused: ['!', 'refused'],
};

/** Lines of so many letters fit into any pane: numbers that stay beside them cost time at every step. */
const ALWAYS_FITS = 30;

export function Lines({ model }: { model: LogModel }) {
  const lines = model.lines.value;
  const here = model.line.value;
  // Read so that rows that come are drawn.
  void model.rows.version.value;
  const digits = Math.max(4, count(lines).length);
  const widest = model.widest.value;
  useLayoutEffect(() => showMatch(model));
  if (model.done.value && lines === 0) {
    return <p class="empty">This log is empty: its task has not written a line yet.</p>;
  }
  return (
    <VirtualList
      class="lines"
      rows={lines}
      position={model.linePosition}
      onView={(first, size) => model.rows.want(first, size, lines)}
      boxProps={{
        role: 'listbox',
        tabIndex: 0,
        'aria-label': 'Lines',
        'aria-activedescendant': here > 0 ? `line-${here}` : undefined,
        onKeyDown: (event) => keys(event, model),
        style: { '--digits': digits, '--widest': widest, '--numbers': widest > ALWAYS_FITS ? 'sticky' : 'static' },
      }}
      rowProps={(row) => ({
        id: `line-${row + 1}`,
        role: 'option',
        'aria-selected': row + 1 === here,
        'aria-posinset': row + 1,
        'aria-setsize': lines,
        class: `line ${model.rows.get(row)?.kind ?? 'waiting'}${row + 1 === here ? ' here' : ''}${model.rows.get(row)?.problem ? ' wrong' : ''}`,
        onClick: () => model.go(row + 1, 'replace'),
      })}
    >
      {(row) => <Line model={model} number={row + 1} row={model.rows.get(row)} />}
    </VirtualList>
  );
}

/** A match may stand far behind the right edge. */
function showMatch({ search }: LogModel): void {
  const mark = document.querySelector('.line.here mark');
  const list = mark?.closest('.list');
  if (!search.arriving || !mark || !list) return;
  search.arriving = false;
  const [inner, outer] = [mark.getBoundingClientRect(), list.getBoundingClientRect()];
  const third = list.clientWidth / 3;
  if (inner.left < outer.left + third / 2 || inner.right > outer.right - 20) list.scrollLeft += inner.left - outer.left - third;
}

function Line({ model, number, row }: { model: LogModel; number: number; row: Row | undefined }) {
  const [mark, words] = row ? MARKS[row.kind] : ['', 'loading'];
  const needle = model.search.needle.value;
  const hits = row ? places(row.text, needle, model.search.ignoreCase.value) : [];
  const beyond = hits.length === 0 && model.search.found.value === number;
  return (
    <>
      <span class="number">{count(number)}</span>
      <span class="mark" title={row?.problem ?? words}>
        {row?.problem && mark === '' ? '!' : mark}
        {row?.problem && <span class="offscreen">{words}, </span>}
      </span>
      <span class="text">
        {row && <Text row={row} needle={needle} hits={hits} />}
        {row?.cut && <span class="cut"> … {beyond ? <mark>more, with the match</mark> : 'more'}</span>}
        {row?.unfinished && <span class="cut"> ⏎ no line end yet</span>}
      </span>
    </>
  );
}

/** A CR before the line feed belongs to the end of the line. */
export function withoutEnd({ text, cut, unfinished }: Row): string {
  return !cut && !unfinished && text.endsWith('\r') ? text.slice(0, -1) : text;
}

/** The text in its parts: key, value, and what was searched for. */
function Text({ row, needle, hits }: { row: Row; needle: string; hits: number[] }) {
  const [from, to] = row.key ?? [0, 0];
  const text = withoutEnd(row);
  if (hits.length === 0) {
    return row.key ? (
      <>
        {visible(text.slice(0, from))}
        <span class="key">{visible(text.slice(from, to))}</span>
        {visible(text.slice(to))}
      </>
    ) : (
      <>{visible(text)}</>
    );
  }
  const parts = [];
  let at = 0;
  for (const hit of hits) {
    parts.push(visible(text.slice(at, hit)), <mark>{visible(text.slice(hit, hit + needle.length))}</mark>);
    at = hit + needle.length;
  }
  return (
    <>
      {parts}
      {visible(text.slice(at))}
    </>
  );
}

function keys(event: KeyboardEvent, model: LogModel): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const here = model.line.peek();
  const page = model.linePosition.pageRows;
  const target: Record<string, number> = {
    ArrowDown: here + 1,
    ArrowUp: Math.max(1, here - 1),
    j: here + 1,
    k: Math.max(1, here - 1),
    PageDown: here + page,
    PageUp: Math.max(1, here - page),
    Home: 1,
    End: model.lines.peek(),
  };
  const line = target[event.key];
  if (line === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  model.go(line, 'replace');
}
