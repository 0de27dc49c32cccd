// JSON as a tree that loses nothing: the order of members, repeated keys, and every digit of a
// number stay as written. JSON.parse would round 64-bit numbers and reorder keys that look like
// indices. Depth is bounded, so that hostile nesting is an error and not a full stack.

export type Node =
  | { kind: 'object'; members: [string, Node][] }
  | { kind: 'array'; items: Node[] }
  | { kind: 'string'; value: string }
  | { kind: 'number' | 'word'; text: string };

const MAX_DEPTH = 256;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;

export class JsonError extends Error {
  override name = 'JsonError';
}

export function parseJson(text: string): Node {
  let at = 0;

  function skip(): void {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  }

  function fail(expected: string): never {
    throw new JsonError(`${expected} expected at character ${at + 1}`);
  }

  function value(depth: number): Node {
    if (depth > MAX_DEPTH) throw new JsonError(`more than ${MAX_DEPTH} levels`);
    skip();
    switch (text[at]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return { kind: 'string', value: string() };
    }
    for (const word of ['true', 'false', 'null']) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return { kind: 'word', text: word };
      }
    }
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text);
    if (!number) fail('a value');
    at += number[0].length;
    return { kind: 'number', text: number[0] };
  }

  function object(depth: number): Node {
    const members: [string, Node][] = [];
    at++;
    skip();
    if (text[at] === '}') {
      at++;
      return { kind: 'object', members };
    }
    for (;;) {
      skip();
      if (text[at] !== '"') fail('a key in quotes');
      const key = string();
      skip();
      if (text[at] !== ':') fail('":"');
      at++;
      members.push([key, value(depth + 1)]);
      skip();
      const next = text[at++];
      if (next === '}') return { kind: 'object', members };
      if (next !== ',') {
        at--;
        fail('"," or "}"');
      }
    }
  }

  function array(depth: number): Node {
    const items: Node[] = [];
    at++;
    skip();
    if (text[at] === ']') {
      at++;
      return { kind: 'array', items };
    }
    for (;;) {
      items.push(value(depth + 1));
      skip();
      const next = text[at++];
      if (next === ']') return { kind: 'array', items };
      if (next !== ',') {
        at--;
        fail('"," or "]"');
      }
    }
  }

  function string(): string {
    const start = at;
    let end = at + 1;
    while (text[end] !== '"') {
      if (end >= text.length) fail('the end of a string');
      end += text[end] === '\\' ? 2 : 1;
    }
    at = end + 1;
    const literal = text.slice(start, at);
    try {
      return JSON.parse(literal) as string;
    } catch {
      at = start;
      return fail('a string without raw control characters');
    }
  }

  const tree = value(0);
  skip();
  if (at < text.length) fail('the end');
  return tree;
}

/** The tree if `text` is a JSON object or array: what is worth showing as one. */
export function asTree(text: string): Node | null {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[') return null;
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

export function writeJson(node: Node, indent = 0): string {
  const inner = ' '.repeat(indent * 2 + 2);
  const outer = ' '.repeat(indent * 2);
  switch (node.kind) {
    case 'object':
      if (node.members.length === 0) return '{}';
      return `{\n${node.members.map(([key, member]) => `${inner}${JSON.stringify(key)}: ${writeJson(member, indent + 1)}`).join(',\n')}\n${outer}}`;
    case 'array':
      if (node.items.length === 0) return '[]';
      return `[\n${node.items.map((item) => inner + writeJson(item, indent + 1)).join(',\n')}\n${outer}]`;
    case 'string':
      return JSON.stringify(node.value);
    default:
      return node.text;
  }
}

/** The last member of that name: what every reader of JSON takes. */
export function member(node: Node | null, key: string): Node | null {
  if (node?.kind !== 'object') return null;
  return node.members.findLast(([name]) => name === key)?.[1] ?? null;
}

/** A string as it is, a number or word as written, a tree as JSON, null and nothing as empty. */
export function plain(node: Node | null): string {
  if (!node) return '';
  if (node.kind === 'string') return node.value;
  if (node.kind === 'object' || node.kind === 'array') return writeJson(node);
  return node.text === 'null' ? '' : node.text;
}
