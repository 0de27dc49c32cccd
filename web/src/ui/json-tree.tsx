// A value as a tree that opens and closes. Parts are made when they are opened, and page by page, so
// that a large report costs nothing until somebody looks.
import type { VNode } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { asTree, type Node } from '../text/json';
import { count } from '../text/number';
import { clip, visible } from '../text/visible';

const PAGE = 200;
/** A longer text is shown by its start, a longer key never beyond it. */
const LONG = 2000;
const LONG_KEY = 400;

export function JsonTree({ node, name, open = false }: { node: Node; name?: string; open?: boolean }) {
  const [unfolded, unfold] = useState(open);
  const parts = useMemo(() => childrenOf(node), [node]);
  const label = name === undefined ? null : <span class="tree-key">{visible(clip(name, LONG_KEY))}</span>;
  if (!parts) {
    return (
      <div class="tree-leaf">
        {label}
        <Leaf node={node} />
      </div>
    );
  }
  const size = node.kind === 'array' ? `[${parts.length}]` : node.kind === 'object' ? `{${parts.length}}` : `text with JSON`;
  return (
    <details class="tree" open={unfolded} onToggle={(event) => unfold(event.currentTarget.open)}>
      <summary>
        {label}
        <span class="tree-size">{size}</span>
      </summary>
      {unfolded && (
        <div class="tree-inside">
          <Members of={parts} />
        </div>
      )}
    </details>
  );
}

/** What is drawn stays as it is when the next page comes: thousands at once would hold up the page. */
export function Members({ of }: { of: readonly [string, Node][] }) {
  const [shown, show] = useState(1);
  const pages = useMemo((): VNode[] => [], [of]);
  for (let n = pages.length; n < shown; n++) {
    pages.push(<Page key={n} members={of.slice(n * PAGE, (n + 1) * PAGE)} />);
  }
  const rest = of.length - shown * PAGE;
  return (
    <>
      {pages}
      {rest > 0 && (
        <button type="button" class="quiet more-members" onClick={() => show(shown + 1)}>
          {count(Math.min(PAGE, rest))} more{rest > PAGE && ` of ${count(rest)}`}
        </button>
      )}
    </>
  );
}

function Page({ members }: { members: readonly [string, Node][] }) {
  return (
    <div class="tree-page">
      {members.map(([key, value], n) => (
        <JsonTree key={n} name={key} node={value} />
      ))}
    </div>
  );
}

/** The parts of a tree; also of a text that holds one. */
function childrenOf(node: Node): [string, Node][] | null {
  if (node.kind === 'object') return node.members;
  if (node.kind === 'array') return node.items.map((item, n) => [String(n), item]);
  const inner = node.kind === 'string' ? asTree(node.value) : null;
  return inner && childrenOf(inner);
}

function Leaf({ node }: { node: Node }) {
  if (node.kind === 'string') return <Text text={node.value} />;
  if (node.kind === 'number' || node.kind === 'word') return <span class={`tree-${node.kind}`}>{clip(node.text, LONG)}</span>;
  return null;
}

function Text({ text }: { text: string }) {
  const [most, more] = useState(LONG);
  return (
    <>
      <span class="tree-text">{text === '' ? '""' : visible(clip(text, most))}</span>
      {text.length > most && (
        <button type="button" class="quiet" onClick={() => more(10 * most)}>
          {count(text.length - most)} more characters
        </button>
      )}
    </>
  );
}
