/** The severities of a function's log, as the Functions worker names them. */
export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** Takes one log line: how grave it is, who says it, and what. Never throws. */
export type Log = (level: LogLevel, category: string, message: string) => void;

/** Writes readable lines to standard error: time, level, category, message. `trace` and `debug` are left out. */
export const logToStderr: Log = (level, category, message) => {
  if (level === 'trace' || level === 'debug' || level === 'none') return;
  const time = new Date().toISOString().slice(11, 23);
  process.stderr.write(`${time} ${level.slice(0, 4)} [${category}] ${message}\n`);
};

/** An error with the chain of its causes, for a log. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\n  caused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
