// The history view: summary, filters, and the table or the timeline beside the details.
import { useLayoutEffect } from 'preact/hooks';
import { room } from '../app/width';
import { bytes, count, plural } from '../text/number';
import { useArrival } from '../ui/arrive';
import { TabPanel } from '../ui/tabs';
import { DetailsPane } from './details';
import { Filters, TakeAway } from './filters';
import { toTasks } from './focus';
import { Gantt } from './gantt';
import type { HistoryModel } from './model';
import { Summary } from './summary';
import { Table } from './table';

export function HistoryView({ model }: { model: HistoryModel }) {
  const box = useArrival();
  const { info } = model;
  const view = model.view.value;
  const total = info.history;
  const size = room.value;
  const open = model.selected.value !== null;
  const empty = !model.queried.value?.count;
  // What had the focus may be gone with a view or with the details: whoever uses the keyboard goes on
  // among the tasks.
  useLayoutEffect(() => {
    if (document.activeElement === document.body) toTasks();
  }, [view, open, empty]);
  return (
    <main ref={box} tabIndex={-1} class={`history-view ${size}${open ? ' with-details' : ''}`} aria-label={`History ${model.name}`}>
      {info.note !== null && <p class="warning" role="status">{info.note}</p>}
      <div class="facts">
        <p class="figures" data-done={model.done.value}>
          {info.source === 'export' ? 'JSON export' : info.version === 0 ? 'Database of 1.7' : `Database, schema ${info.version}`} · {bytes(model.bytes)} ·{' '}
          {model.done.value && model.loaded.value < total ? `${count(model.loaded.value)} of ${count(total)} could be read` : model.done.value ? plural(info.tasks + total, 'task') : <><progress value={total > 0 ? model.loaded.value / total : 1} aria-label="Loading" /> {count(model.loaded.value)} of {count(total)}</>}
        </p>
        <TakeAway model={model} />
      </div>
      <Summary model={model} />
      <Filters model={model} />
      <TabPanel name="history" chosen={view} class="main-panel">
        {!model.queried.value ? (
          <p class="empty">Loading…</p>
        ) : model.queried.value.count === 0 ? (
          <p class="empty">{model.filtered.value ? 'No task matches the filters.' : 'No task has been recorded yet.'}</p>
        ) : view === 'table' ? (
          <Table model={model} />
        ) : (
          <Gantt model={model} />
        )}
      </TabPanel>
      {open && <DetailsPane model={model} />}
    </main>
  );
}
