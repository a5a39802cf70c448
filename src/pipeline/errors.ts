import { told } from '../text/told.ts';

/**
 * Every way a song can fail, as stable codes that status, callback and logs carry.
 * `retryable` says whether the same work may succeed when it is tried again.
 */
export const CODES = {
  invalid_request: { retryable: false },
  request_too_large: { retryable: false },
  request_timeout: { retryable: false },
  misconfigured: { retryable: false },
  not_found: { retryable: false },
  blob_not_found: { retryable: false },
  blob_changed: { retryable: false },
  blob_leased: { retryable: true },
  id_in_use: { retryable: false },
  result_changed: { retryable: false },
  unsupported_media: { retryable: false },
  too_large: { retryable: false },
  too_long: { retryable: false },
  decoders_differ: { retryable: true },
  model_unavailable: { retryable: false },
  model_output_invalid: { retryable: false },
  timed_out: { retryable: true },
  interrupted: { retryable: true },
  storage_unavailable: { retryable: true },
  disk_full: { retryable: true },
  work_lost: { retryable: false },
  compute_crashed: { retryable: true },
  out_of_memory: { retryable: true },
  callback_failed: { retryable: true },
  callback_gone: { retryable: false },
  callback_refused: { retryable: false },
  canceled: { retryable: false },
  already_finished: { retryable: false },
  internal: { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof CODES;

export const isRetryable = (code: ErrorCode): boolean => CODES[code].retryable;

/** An error as it stands in a status, a callback or an activity's result. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  /** For people: what was expected, what came, what to do. */
  readonly message: string;
}

/** An expected failure, with its code. Anything else that is thrown counts as `internal`. Its message holds no secret. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: ErrorCode;
  /** How long whoever refused asked to be left alone before the next try, in ms. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { retryAfterMs?: number }) {
    super(told(message), options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }

  get retryable(): boolean {
    return isRetryable(this.code);
  }
}

/** `error` as a `WorkerError`; one that is not ours becomes `internal` with the original as its cause. */
export function asWorkerError(error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WorkerError('internal', message, { cause: error });
}
