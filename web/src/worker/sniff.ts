// Tells what was dropped by its first bytes: names lie, and a log may have any.
//
// Every refusal says what was found, what is supported and what to do.

export type Found = {
  file: File;
  /** What was not opened, and why; empty if nothing was. */
  left: string;
} & ({ kind: 'log' | 'export' } | { kind: 'database'; wal: File | null });

const SUPPORTED = 'This viewer opens feedback logs, taskwatcher databases and JSON exports.';

/** So many bytes are looked at. */
const HEAD = 4096;

type Head =
  | { is: 'database' | 'export' | 'log' | 'wal' | 'shm' | 'journal' }
  | { is: 'other'; what: string; advice: string };

export async function sniff(files: readonly File[]): Promise<Found> {
  if (files.length === 0) throw new Error(`Nothing was dropped. ${SUPPORTED}`);
  const heads = await Promise.all(files.map(async (file) => ({ file, head: headOf(await start(file), file.name, file.size <= HEAD) })));
  for (const kind of ['database', 'export', 'log'] as const) {
    const file = heads.find(({ head }) => head.is === kind)?.file;
    if (!file) continue;
    const rest = heads.filter((one) => one.file !== file);
    // A journal that still begins with its mark belongs to a transaction that never ended: the database
    // holds a part of it, which SQLite would undo.
    if (kind === 'database' && rest.some(({ head, file: { name } }) => head.is === 'journal' && name === `${file.name}-journal`)) {
      throw new Error(
        `“${file.name}” was copied in the middle of a transaction: “${file.name}-journal” holds what must be undone first. ` +
          `Open the copy once with SQLite, which does that: sqlite3 FILE 'SELECT count(*) FROM history'.`,
      );
    }
    if (kind !== 'database') return { kind, file, left: leftOf(rest) };
    // A -wal belongs to the database that it is named after: in any other it would be nonsense.
    const own = rest.find(({ head, file: { name } }) => head.is === 'wal' && name === `${file.name}-wal`);
    return { kind, file, wal: own?.file ?? null, left: leftOf(rest.filter((one) => one !== own), file.name) };
  }

  const first = heads[0];
  if (!first) throw new Error(SUPPORTED);
  const { file, head } = first;
  if (head.is === 'wal' || head.is === 'shm') {
    throw new Error(
      `“${file.name}” is the companion of a database and holds only its newest changes. ` +
        'Drop the database itself, together with its -wal file.',
    );
  }
  if (head.is === 'journal') throw new Error(`“${file.name}” is the rollback journal of a database. ${SUPPORTED} Drop the database itself.`);
  if (head.is === 'other') throw new Error(`“${file.name}” is ${head.what}. ${SUPPORTED} ${head.advice}`);
  throw new Error(SUPPORTED);
}

function leftOf(heads: { file: File; head: Head }[], database = ''): string {
  const names = (some: typeof heads): string => some.map(({ file }) => `“${file.name}”`).join(', ');
  const strange = heads.filter(({ head }) => database !== '' && head.is === 'wal');
  const others = heads.filter(({ head }) => head.is !== 'shm' && !(database !== '' && head.is === 'wal'));
  const said = [];
  if (strange.length > 0) said.push(`Not read: ${names(strange)}. The companion of this database would be called “${database}-wal”.`);
  if (others.length > 0) said.push(`Not opened: ${names(others)}. One file is opened at a time.`);
  return said.join(' ');
}

async function start(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  } catch {
    throw new Error(
      `“${file.name}” could not be read. It may be a folder, or may have been moved or changed; ` +
        `pick it again. ${SUPPORTED}`,
    );
  }
}

const SIGNATURES: [string, string, string][] = [
  ['1f8b', 'compressed with gzip', 'Unpack it first: gunzip FILE.'],
  ['fd377a585a00', 'compressed with xz', 'Unpack it first: unxz FILE.'],
  ['28b52ffd', 'compressed with zstd', 'Unpack it first: unzstd FILE.'],
  ['425a68', 'compressed with bzip2', 'Unpack it first: bunzip2 FILE.'],
  ['504b0304', 'a ZIP archive', 'Unpack it and drop the file inside.'],
  ['89504e47', 'a PNG picture', ''],
  ['ffd8ff', 'a JPEG picture', ''],
  ['25504446', 'a PDF document', ''],
  ['7f454c46', 'a program', ''],
  ['fffe0000', 'text in UTF-32', 'Save it as UTF-8: iconv -f UTF-32 -t UTF-8 FILE.'],
  ['0000feff', 'text in UTF-32', 'Save it as UTF-8: iconv -f UTF-32 -t UTF-8 FILE.'],
  ['fffe', 'text in UTF-16', 'Save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE.'],
  ['feff', 'text in UTF-16', 'Save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE.'],
];

/** A line with a key makes a log of any text: what else is in it is shown as its problems. */
const PAIR = /^[ \t]*\[[^\s\d[\]{"'<][^\s[\]]*\]/m;

export function headOf(bytes: Uint8Array, name: string, whole = true): Head {
  const hex = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex === '53514c69746520666f726d6174203300') return { is: 'database' };
  if (hex.startsWith('d9d505f920a163d7')) return { is: 'journal' };
  if (/^377f068[23]/.test(hex)) return { is: 'wal' };
  if (bytes.length === 0 && name.endsWith('-wal')) return { is: 'wal' };
  if (name.endsWith('-shm')) return { is: 'shm' };
  for (const [signature, what, advice] of SIGNATURES) {
    if (hex.startsWith(signature)) return { is: 'other', what, advice };
  }
  const text = new TextDecoder().decode(bytes).trimStart();
  const isLog = PAIR.test(text);
  if (/"format"\s*:\s*"taskwatcher\//.test(text) && text.startsWith('{')) return { is: 'export' };
  // Its format may stand at the end of it: whoever reads all of it will see.
  if (!isLog && /^\{\s*"/.test(text) && !whole) return { is: 'export' };
  if (!isLog && (/^\{\s*"/.test(text) || (name.endsWith('.json') && /^[[{]/.test(text)))) {
    return {
      is: 'other',
      what: 'JSON, but no export of taskwatcher (it has no "format":"taskwatcher/1")',
      advice: 'Write one with: taskwatcher export FILE.',
    };
  }
  if (!isLog && /^<(!doctype|html|\?xml)/i.test(text)) return { is: 'other', what: 'a web page', advice: '' };
  return { is: 'log' };
}
