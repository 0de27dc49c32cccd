// The filters over the table and the timeline, and the way out as CSV.
import { NOT_OVER, NOT_SUCCEEDED } from '../protocol/messages';
import { count, plural } from '../text/number';
import { clip, visible } from '../text/visible';
import { safeName, save } from '../ui/save';
import { Tabs } from '../ui/tabs';
import { toTasks } from './focus';
import { outcomeName } from './legend';
import type { HistoryModel, View } from './model';

const PERIODS: [title: string, seconds: number][] = [
  ['last hour', 3600],
  ['last day', 86_400],
  ['last 7 days', 604_800],
  ['last 30 days', 2_592_000],
];

export function Filters({ model }: { model: HistoryModel }) {
  const { name, outcome, since } = model.only.value;
  const { names, moreNames, outcomes } = model.choices.value;
  return (
    <div class="filters">
      <Tabs<View>
        name="history"
        label="Views"
        tabs={[
          { id: 'table', title: 'Table' },
          { id: 'timeline', title: 'Timeline' },
        ]}
        chosen={model.view.value}
        choose={(view) => model.show(view)}
      />
      <input
        type="search"
        id="search"
        placeholder="Search tasks"
        aria-label="Search tasks"
        value={model.text.value}
        onInput={(event) => model.search(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' && event.key !== 'Enter') return;
          event.preventDefault();
          if (event.key === 'Escape') model.search('');
          toTasks();
        }}
      />
      <select aria-label="Name" value={name ?? ''} onChange={(event) => model.filter({ name: event.currentTarget.value || null })}>
        <option value="">any name</option>
        {withChosen(names, name).map((one) => (
          <option key={one} value={one}>{clip(visible(one), 60)}</option>
        ))}
        {moreNames > 0 && <option disabled>and {plural(moreNames, 'rarer name')}: search for them</option>}
      </select>
      <select aria-label="Outcome" value={outcome ?? ''} onChange={(event) => model.filter({ outcome: event.currentTarget.value || null })}>
        <option value="">any outcome</option>
        {withChosen([...new Set([NOT_OVER, NOT_SUCCEEDED, ...outcomes])], outcome).map((one) => (
          <option key={one} value={one}>{clip(outcomeName(one), 60)}</option>
        ))}
      </select>
      <select aria-label="Started" value={since === null ? '' : String(since)} onChange={(event) => model.filter({ since: event.currentTarget.value === '' ? null : Number(event.currentTarget.value) })}>
        <option value="">any time</option>
        {periods(model, since).map(([title, at]) => (
          <option key={at} value={String(at)}>{title}</option>
        ))}
      </select>
      <button
        type="button"
        class="quiet clear-filters"
        disabled={!model.filtered.value}
        onClick={() => {
          model.clearFilters();
          toTasks();
        }}
      >
        Clear filters
      </button>
    </div>
  );
}

/** How many tasks the table holds, and the way out of the page. */
export function TakeAway({ model }: { model: HistoryModel }) {
  const exporting = model.exporting.value;
  const queried = model.queried.value;
  return (
    <p class="actions">
      <span class="dim count" role="status">{queried && `${count(queried.count)} shown`}</span>
      {exporting ? (
        <button type="button" class="quiet" onClick={() => exporting.stop.abort()}>Cancel {Math.round(exporting.part * 100)} %</button>
      ) : (
        <button type="button" class="quiet" onClick={() => void exportCsv(model)}>Save CSV</button>
      )}
    </p>
  );
}

/** A link may ask for what this file does not have; it is shown, so that it can be taken back. */
function withChosen(all: readonly string[], chosen: string | null): readonly string[] {
  return chosen === null || all.includes(chosen) ? all : [chosen, ...all];
}

/** Counted back from the latest moment that the file knows of. */
function periods(model: HistoryModel, chosen: number | null): [string, number][] {
  const { now } = model.choices.value;
  const all = PERIODS.map(([title, seconds]): [string, number] => [title, Math.max(0, Math.floor(now - seconds))]);
  if (chosen !== null && !all.some(([, at]) => at === chosen)) all.push(['as in the link', chosen]);
  return all;
}

async function exportCsv(model: HistoryModel): Promise<void> {
  const blob = await model.takeCsv();
  if (blob) save(blob, `${safeName(model.name.replace(/\.\w+$/, ''))}-tasks.csv`);
}
