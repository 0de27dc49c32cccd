// Text of a file, made fit for one line on a screen: what would be invisible or would reorder its
// surroundings is shown as a symbol. It stays text; nothing here makes markup.

// Control characters, line and paragraph separators, bidirectional controls, zero-width characters; but
// not the joiner that makes one picture of two.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|(?<![\p{Emoji_Modifier}\p{Extended_Pictographic}]\ufe0f?)\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

export function visible(text: string): string {
  return text.replace(HIDDEN, (letter) => {
    const code = letter.charCodeAt(0);
    if (code === 9) return '\t';
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** The start of a long text, cut between characters. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const code = text.charCodeAt(length - 1);
  const whole = code >= 0xd800 && code < 0xdc00 ? length - 1 : length;
  return `${text.slice(0, whole)}…`;
}

/** The core's fragments, `what is wrong; what to do`, as sentences; a last full stop is the reader's. */
export function sentences(text: string): string {
  return text.split('; ').map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('. ');
}
