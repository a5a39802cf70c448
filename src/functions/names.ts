import type { ErrorInfo } from '../pipeline/errors.ts';

/** Name of the orchestration. */
export const ORCHESTRATION = 'analyzeSong';

/** What a stage's activity returns: its value, or a failure that no retry can mend. */
export interface StageOutcome<T = unknown> {
  readonly seconds: number;
  readonly value?: T;
  readonly error?: ErrorInfo;
}
