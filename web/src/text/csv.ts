// Tables as CSV (RFC 4180) that a spreadsheet shows and never runs.
//
// A cell that starts with one of these is a formula to common spreadsheets, also behind white
// space. An apostrophe before it makes it text. Plain numbers stay numbers.
const FORMULA = /^[\s\u0000]*[=+\-@\t\r\n|%＝＋－＠]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

export function csvCell(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\n\r';\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}
