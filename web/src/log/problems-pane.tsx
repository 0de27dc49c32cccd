// Every line that was ignored or mended, with its place and the reason.
import { count, plural } from '../text/number';
import { sentences } from '../text/visible';
import { useRoving } from '../ui/roving';
import { VirtualList } from '../ui/virtual-list';
import type { LogModel } from './model';

export function ProblemsPane({ model }: { model: LogModel }) {
  const problems = model.summary.value?.problems;
  void model.problems.version.value;
  const kept = problems?.kept ?? 0;
  const roving = useRoving(kept, model.problemPosition);
  return (
    <section class="pane problems-pane" aria-label="Problems">
      <header>
        <h2>
          Problems <span class="dim">{count(problems?.total ?? 0)}</span>
        </h2>
      </header>
      {kept === 0 ? (
        <p class="empty">{model.done.value ? 'Every line follows the grammar.' : 'None so far.'}</p>
      ) : (
        <VirtualList
          class="problems"
          keepNodes
          rows={kept}
          position={model.problemPosition}
          boxProps={{ role: 'list', 'aria-label': 'Problems', ...roving.box }}
          rowProps={(row) => ({ role: 'listitem', class: 'problem-row', ...roving.rowProps(row) })}
          onView={(first, size) => {
            roving.seen(first, size);
            model.problems.want(first, size, kept);
          }}
        >
          {(row) => {
            const problem = model.problems.get(row);
            return (
              problem && (
                <button type="button" tabIndex={roving.tabIndex(row)} class={problem.line === model.line.value ? 'problem here' : 'problem'} onClick={() => model.visit(problem.line, 'push')}>
                  <span class="at">{count(problem.line)}:{count(problem.column)}</span>
                  <span class="reason">{sentences(problem.message)}</span>
                </button>
              )
            );
          }}
        </VirtualList>
      )}
      {problems && problems.total > kept && <p class="more">{plural(problems.total - kept, 'further problem')} not listed.</p>}
    </section>
  );
}
