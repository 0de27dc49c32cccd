// The table of tasks: sorted by its head, moved through by keyboard, details at Enter or a click.
//
// It is one stop of the Tab key, which would come to the head only after the rows below it: the arrow
// up leads from the first row to the head, the arrow down back.
import type { ComponentChildren } from 'preact';
import type { SortColumn, TableRow } from '../protocol/messages';
import { formatDuration, formatTime } from '../text/time';
import { clip, visible } from '../text/visible';
import { VirtualList } from '../ui/virtual-list';
import { Outcome } from './legend';
import type { HistoryModel } from './model';

interface Column {
  id: SortColumn;
  title: string;
  /** In pixels, and its share of what the window has beyond that. */
  width: number;
  grows?: number;
  cell: (row: TableRow) => ComponentChildren;
}

const COLUMNS: readonly Column[] = [
  { id: 'id', title: 'Task', width: 76, cell: (row) => (Number.isNaN(row.id) ? '' : String(row.id)) },
  { id: 'name', title: 'Name', width: 110, grows: 2, cell: (row) => text(row.name) || <span class="dim">without a name</span> },
  { id: 'outcome', title: 'Outcome', width: 112, cell: (row) => <Outcome word={clip(row.outcome, 40)} /> },
  { id: 'start', title: 'Started', width: 166, cell: (row) => (row.open && Number.isNaN(row.duration) ? <span class="dim">not yet</span> : formatTime(row.start)) },
  { id: 'duration', title: 'Duration', width: 118, cell: (row) => (row.open && !Number.isNaN(row.duration) ? <span title="so far">≥ {formatDuration(row.duration)}</span> : formatDuration(row.duration)) },
  { id: 'exit', title: 'Exit', width: 88, cell: (row) => text(row.exit) },
  { id: 'host', title: 'Host', width: 70, grows: 1, cell: (row) => text(row.host) },
  { id: 'info1', title: 'Info 1', width: 70, grows: 1, cell: (row) => text(row.info1) },
  { id: 'info2', title: 'Info 2', width: 70, grows: 1, cell: (row) => text(row.info2) },
  { id: 'info3', title: 'Info 3', width: 70, grows: 1, cell: (row) => text(row.info3) },
];
/** These have a column only in files that use them. */
const OPTIONAL = new Set<SortColumn>(['host', 'info1', 'info2', 'info3']);

const text = (value: string): string => visible(clip(value, 200));

export function Table({ model }: { model: HistoryModel }) {
  const rows = model.queried.value?.count ?? 0;
  void model.pages.version.value;
  const sort = model.sort.value;
  const { used } = model.choices.value;
  const columns = COLUMNS.filter(({ id }) => !OPTIONAL.has(id) || used.includes(id));
  const template = columns.map(({ width, grows }) => (grows ? `minmax(${width}px, ${grows}fr)` : `${width}px`)).join(' ');
  const least = columns.reduce((sum, { width }) => sum + width, 0);
  const cursor = Math.min(model.cursor.value, Math.max(0, rows - 1));
  const selected = model.selected.value;
  return (
    <VirtualList
      class="table"
      rows={rows}
      position={model.position}
      onView={(first, size) => model.pages.want(first, size, rows)}
      boxProps={{
        role: 'grid',
        tabIndex: 0,
        'aria-label': 'Tasks',
        'aria-rowcount': rows + 1,
        'aria-colcount': columns.length,
        'aria-activedescendant': rows > 0 ? `task-${cursor}` : undefined,
        onKeyDown: (event) => keys(event, model, rows),
        style: { '--columns': template, '--least': `${least}px` },
      }}
      head={
        <div class="list-head table-row" role="row" aria-rowindex={1} onKeyDown={headKeys}>
          {columns.map(({ id, title }) => (
            <div key={id} role="columnheader" class={`cell ${id}`} aria-sort={sort.column === id ? (sort.down ? 'descending' : 'ascending') : 'none'}>
              <button type="button" class="quiet" tabIndex={-1} onClick={() => model.sortBy(id)}>
                {title}
                <span class="arrow" aria-hidden="true">{sort.column === id ? (sort.down ? '↓' : '↑') : ''}</span>
              </button>
            </div>
          ))}
        </div>
      }
      rowProps={(row) => {
        const found = model.pages.get(row);
        return {
          id: `task-${row}`,
          role: 'row',
          'aria-rowindex': row + 2,
          'aria-selected': found !== undefined && found.entry === selected,
          class: `table-row${row === cursor ? ' cursor' : ''}${found && found.entry === selected ? ' here' : ''}`,
          onClick: () => {
            model.cursor.value = row;
            if (found) model.select(found.entry);
          },
        };
      }}
    >
      {(row) => {
        const found = model.pages.get(row);
        return columns.map(({ id, cell }) => (
          <div key={id} role="gridcell" class={`cell ${id}`}>
            {found ? cell(found) : ''}
          </div>
        ));
      }}
    </VirtualList>
  );
}

function headKeys(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.currentTarget instanceof HTMLElement)) return;
  const head = [...event.currentTarget.querySelectorAll('button')];
  const at = head.findIndex((button) => button === event.target);
  const next = { ArrowLeft: head[at - 1], ArrowRight: head[at + 1], Home: head[0], End: head.at(-1), ArrowDown: event.currentTarget.closest<HTMLElement>('.table') }[event.key];
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}

function keys(event: KeyboardEvent, model: HistoryModel, rows: number): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
  const at = model.cursor.peek();
  const page = model.position.pageRows;
  const moves: Record<string, number> = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows - 1 };
  const next = moves[event.key];
  if (next !== undefined) {
    event.preventDefault();
    event.stopPropagation();
    if (next === -1 && at === 0) document.querySelector<HTMLElement>('.table [aria-sort$="ending"] button')?.focus();
    model.cursor.value = Math.max(0, Math.min(rows - 1, next));
    model.position.reveal(model.cursor.value);
  } else if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    const found = model.pages.get(at);
    if (found) model.look(found.entry);
  }
}
