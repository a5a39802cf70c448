import { oneLine } from './one-line.ts';
import { redact } from './redaction.ts';

/** `text` as this program tells it, in logs, errors and answers: nothing secret in it, and on one line but for a stack. */
export const told = (text: string): string => oneLine(redact(text));
