import type { StageError } from '../pipeline/contracts.ts';

/** The failure of a stage inside the orchestrator. */
export class StageFailure extends Error {
  override readonly name = 'StageFailure';
  readonly info: StageError;

  constructor(info: StageError) {
    super(`${info.message} [${info.code}]`);
    this.info = info;
  }
}

/** The stage's failure that an exception in the orchestrator stands for. */
export function failureOf(error: unknown): StageFailure {
  if (error instanceof StageFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StageFailure({ stage: 'download', code: 'internal', message });
}
