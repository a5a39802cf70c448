import type { Stage } from '../pipeline/contracts.ts';
import type { ErrorCode, ErrorInfo, WorkerError } from '../pipeline/errors.ts';

/** The failure of a stage inside the orchestrator. */
export class StageFailure extends Error {
  override readonly name = 'StageFailure';
  readonly info: ErrorInfo & { stage: Stage };

  constructor(info: ErrorInfo & { stage: Stage }) {
    super(`${info.message} [${info.code}]`);
    this.info = info;
  }
}

/** A retryable failure as text: between an activity and its orchestrator, the Durable extension carries nothing else. */
export function encodeFailure(stage: Stage, error: WorkerError): string {
  return `<<${JSON.stringify({ stage, code: error.code, message: error.message })}>>`;
}

/** The stage's failure that an exception in the orchestrator stands for. */
export function failureOf(error: unknown): StageFailure {
  if (error instanceof StageFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  const encoded = /<<(\{.*?\})>>/s.exec(text)?.[1];
  if (encoded) return new StageFailure(JSON.parse(encoded) as ErrorInfo & { stage: Stage });
  return new StageFailure({ stage: 'download', code: 'internal' satisfies ErrorCode, message: text });
}
