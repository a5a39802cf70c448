/** Control characters (C0, DEL, C1), separators of lines and paragraphs, marks that turn the direction, half surrogates. */
const UNSEEN = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** Lines that a stack has. No entry of a log begins with spaces, so that none can be forged with one. */
const STACK_LINE = /^\n {4}(?:at|caused by) /;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `text` as a log can show it: what breaks a line, moves a cursor or can't be seen is escaped. A stack keeps its lines. */
export function oneLine(text: string): string {
  return text.replace(UNSEEN, (character, at: number) => {
    if (character === '\n' && STACK_LINE.test(text.slice(at, at + 16))) return character;
    return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
