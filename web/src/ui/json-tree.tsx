// A value as a tree that opens and closes. Parts are made when they are opened, so that a large
// report costs nothing until somebody looks.
import { useState } from 'preact/hooks';
import { asTree, type Node } from '../text/json';
import { clip, visible } from '../text/visible';

const MOST = 200;
const LONG = 20_000;

export function JsonTree({ node, name, open = false }: { node: Node; name?: string; open?: boolean }) {
  const [unfolded, unfold] = useState(open);
  const [most, more] = useState(MOST);
  const label = name === undefined ? null : <span class="tree-key">{visible(name)}</span>;
  const parts = childrenOf(node);
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
          {parts.slice(0, most).map(([key, part], n) => (
            <JsonTree key={n} name={key} node={part} />
          ))}
          {parts.length > most && (
            <button type="button" class="quiet" onClick={() => more(most + 10 * MOST)}>
              {parts.length - most} more
            </button>
          )}
        </div>
      )}
    </details>
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
  if (node.kind === 'string') return <span class="tree-text">{node.value === '' ? '""' : visible(clip(node.value, LONG))}</span>;
  if (node.kind === 'number' || node.kind === 'word') return <span class={`tree-${node.kind}`}>{node.text}</span>;
  return null;
}
