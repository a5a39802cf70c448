import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { told } from '../text/told.ts';

/** The severities of a function's log, as the Functions worker names them. */
export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** Takes one log line: how grave it is, who says it, and what. Never throws. */
export type Log = (level: LogLevel, category: string, message: string) => void;

/** Writes readable lines to standard error: time, level, category, message, told. `trace` and `debug` are left out. */
export const logToStderr: Log = (level, category, message) => {
  const line = toLine(level, category, message);
  if (line) process.stderr.write(line);
};

/** Appends the same lines to a file, whose folder is made where there is none. */
export function logToFile(path: string): Log {
  mkdirSync(dirname(path), { recursive: true });
  return (level, category, message) => {
    const line = toLine(level, category, message);
    if (line) appendFileSync(path, line);
  };
}

function toLine(level: LogLevel, category: string, message: string): string | undefined {
  if (level === 'trace' || level === 'debug' || level === 'none') return undefined;
  return `${new Date().toISOString()} ${level} [${category}] ${told(message)}\n`;
}

/** An error with the chain of its causes, for a log. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\n    caused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
