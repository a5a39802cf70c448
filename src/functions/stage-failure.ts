import type { Stage, StageError } from '../pipeline/contracts.ts';
import { asWorkerError } from '../pipeline/errors.ts';

/** The failure of a stage inside the orchestrator. */
export class StageFailure extends Error {
  override readonly name = 'StageFailure';
  readonly info: StageError;

  constructor(info: StageError) {
    super(`${info.message} [${info.code}]`);
    this.info = info;
  }
}

/** The failure that an exception in the orchestrator stands for: that of the stage which was `entered` last, unless it tells another. */
export function failureOf(error: unknown, entered: Stage): StageFailure {
  if (error instanceof StageFailure) return error;
  return new StageFailure({ stage: entered, code: 'internal', message: asWorkerError(error).message });
}
