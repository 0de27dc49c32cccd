import { expect, test } from 'vitest';
import { asTree, JsonError, member, parseJson, plain, writeJson } from '../src/text/json';

test('numbers keep every digit and members their order', () => {
  const text = '{"10":9007199254740993,"2":-1.50e+10,"a":{"b":[true,null,"x"]}}';
  const compact = writeJson(parseJson(text)).replace(/\s+/g, '');
  expect(compact).toBe(text);
});

test('a repeated member is kept, and the last one counts', () => {
  const node = parseJson('{"a":1,"a":2}');
  expect(node.kind === 'object' && node.members.length).toBe(2);
  expect(plain(member(node, 'a'))).toBe('2');
});

test('strings are read as JSON reads them', () => {
  expect(plain(parseJson('"a\\u0041\\n\\"\\\\"'))).toBe('aA\n"\\');
});

test.each(['', '{', '[1,]', '{"a"}', '01', '1 2', '"\u0001"', 'nul', '{"a":1,}', '"abc', '[1', '"\\x"'])('%j is refused', (text) => {
  expect(() => parseJson(text)).toThrow(JsonError);
});

test('nesting without end is an error, not a full stack', () => {
  expect(() => parseJson('['.repeat(100_000))).toThrow(/levels/);
  expect(asTree('['.repeat(100_000))).toBeNull();
});

test('only objects and arrays are worth a tree', () => {
  expect(asTree(' {"a":1} ')?.kind).toBe('object');
  expect(asTree('12')).toBeNull();
  expect(asTree('{not json}')).toBeNull();
});

test('a key that JavaScript gives a meaning is a key', () => {
  const node = parseJson('{"__proto__":"x","constructor":"y"}');
  expect(plain(member(node, '__proto__'))).toBe('x');
});
