import type { ErrorInfo } from '../pipeline/errors.ts';

/** Name of the orchestration. */
export const ORCHESTRATION = 'analyzeSong';

/** What a stage's activity is given. */
export interface StageCall<I = unknown> {
  readonly audio_file_id: string;
  /** Counted from 1. */
  readonly attempt: number;
  readonly input: I;
}

/** What a stage's activity returns: its value or its failure. */
export interface StageOutcome<T = unknown> {
  readonly seconds: number;
  readonly value?: T;
  readonly error?: ErrorInfo & { readonly attempt: number };
}
