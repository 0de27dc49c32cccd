import { expect, test } from 'vitest';
import { headOf, sniff } from '../src/worker/sniff';

const head = (text: string, name = 'x'): string => headOf(new TextEncoder().encode(text), name).is;
const file = (name: string, bytes: BlobPart): File => new File([bytes], name);

test('files are told by what they hold', () => {
  expect(head('SQLite format 3\0...')).toBe('database');
  expect(head('{"format":"taskwatcher/1","history":[]}')).toBe('export');
  expect(head('[progress]12\n')).toBe('log');
  expect(head('')).toBe('log');
  expect(head('no bracket\n')).toBe('log');
  expect(head('[progress]1\n', 'log.json')).toBe('log');
  expect(head('{"a":1}', 'x.json')).toBe('other');
  expect(head('[\n  "a",\n  [1]\n]', 'x.json')).toBe('other');
  expect(head('<html>')).toBe('other');
  // A line with a key makes a log of it, whatever else it prints.
  expect(head('{"event":"boot"}\n[progress]5\n')).toBe('log');
  expect(head('<html> not really\n[progress]5')).toBe('log');
  expect(headOf(Uint8Array.of(0xff, 0xfe, 0, 0, 0x5b, 0, 0, 0), 'x')).toMatchObject({ what: 'text in UTF-32' });
  expect(headOf(Uint8Array.of(0xff, 0xfe, 0x5b, 0), 'x')).toMatchObject({ what: 'text in UTF-16' });
  expect(head('PK\u0003\u0004')).toBe('other');
  expect(headOf(Uint8Array.of(0x37, 0x7f, 0x06, 0x82), 'x').is).toBe('wal');
});

test('an export may name its format last, and begin with a byte order mark', async () => {
  const rows = Array.from({ length: 500 }, (_, id) => ({ id }));
  const late = file('late.json', `\ufeff${JSON.stringify({ history: rows, format: 'taskwatcher/1' })}`);
  expect(await sniff([late])).toEqual({ kind: 'export', file: late, left: '' });
  await expect(sniff([file('x.json', '{"history":[]}')])).rejects.toThrow(/no "format":"taskwatcher\/1"/);
});

test('a database takes its -wal with it, in any order', async () => {
  const wal = file('t.db-wal', Uint8Array.of(0x37, 0x7f, 0x06, 0x82, 1));
  const database = file('t.db', 'SQLite format 3\0');
  expect(await sniff([wal, database])).toEqual({ kind: 'database', file: database, wal, left: '' });
  expect(await sniff([database])).toEqual({ kind: 'database', file: database, wal: null, left: '' });
});

test('what is not opened is named, and so is a -wal of another database', async () => {
  const [wal, database] = [file('other.db-wal', Uint8Array.of(0x37, 0x7f, 0x06, 0x82, 1)), file('t.db', 'SQLite format 3\0')];
  const found = await sniff([wal, database, file('t.db-shm', 'x')]);
  expect(found).toMatchObject({ wal: null, left: 'Not read: “other.db-wal”. The companion of this database would be called “t.db-wal”.' });
  expect((await sniff([file('a.log', '[a]1'), file('b.log', '[b]2'), wal])).left).toBe('Not opened: “b.log”, “other.db-wal”. One file is opened at a time.');
});

test('a refusal says what was found, what is supported and what to do', async () => {
  await expect(sniff([file('a.gz', Uint8Array.of(0x1f, 0x8b, 8))])).rejects.toThrow(/“a.gz” is compressed with gzip.*opens feedback logs.*gunzip/);
  await expect(sniff([file('t.db-wal', Uint8Array.of(0x37, 0x7f, 0x06, 0x83))])).rejects.toThrow(/Drop the database itself/);
  await expect(sniff([])).rejects.toThrow(/Nothing was dropped/);
});

test('a database with a hot journal is refused, and one whose transaction ended is not', async () => {
  const database = file('t.db', 'SQLite format 3\0');
  const hot = Uint8Array.of(0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7);
  await expect(sniff([database, file('t.db-journal', hot)])).rejects.toThrow(/in the middle of a transaction/);
  await expect(sniff([file('t.db-journal', hot)])).rejects.toThrow(/rollback journal/);
  // SQLite empties a journal, or overwrites its start, once the transaction has ended.
  for (const ended of [new Uint8Array(0), new Uint8Array(512)]) {
    expect(await sniff([database, file('t.db-journal', ended)])).toMatchObject({ kind: 'database', file: database });
  }
});
