// The field to search in, its two directions, and what came of it.
import type { LogModel } from './model';

export function SearchBar({ model }: { model: LogModel }) {
  const { search } = model;
  const part = search.part.value;
  return (
    <div class="search" role="search">
      <input
        type="search"
        id="search"
        placeholder="Search lines"
        aria-label="Search lines"
        aria-describedby="search-outcome"
        value={search.needle.value}
        onInput={(event) => {
          search.needle.value = event.currentTarget.value;
          search.changed();
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault();
            void search.find(event.shiftKey);
          } else if (event.key === 'Escape' && part !== null) {
            event.preventDefault();
            event.stopPropagation();
            search.cancel();
          }
        }}
      />
      <button type="button" class="step" aria-label="Previous match" title="Previous match (Shift+Enter)" onClick={() => void search.find(true)}>↑</button>
      <button type="button" class="step" aria-label="Next match" title="Next match (Enter)" onClick={() => void search.find(false)}>↓</button>
      <label class="check" title="Tell capital from small letters">
        <input type="checkbox" checked={!search.ignoreCase.value} onChange={(event) => {
          search.ignoreCase.value = !event.currentTarget.checked;
          search.changed();
        }} />
        Aa<span class="offscreen"> match case</span>
      </label>
      {part !== null && (
        <button type="button" class="quiet" onClick={() => search.cancel()}>
          Cancel {Math.round(part * 100)} %
        </button>
      )}
      <span id="search-outcome" class="dim" aria-live="polite">{search.outcome.value}</span>
    </div>
  );
}
