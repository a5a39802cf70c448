import { WorkerError } from '../pipeline/errors.ts';
import { told } from '../text/told.ts';

/** Exit codes of the commands. */
export const FAILED = 1;
/** The arguments, a setting or a file that was named are wrong: nothing was begun. */
export const WRONG_CALL = 2;
/** After Ctrl-C, as shells have it. */
export const INTERRUPTED = 130;

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const isWrongCall =
    error instanceof WorkerError && (error.code === 'invalid_request' || error.code === 'misconfigured');
  return isWrongCall ? WRONG_CALL : FAILED;
}

export function messageOf(error: unknown): string {
  return told(error instanceof Error ? error.message : String(error));
}
