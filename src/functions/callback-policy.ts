/** When a callback is tried again, and what its attempts come to: after Standard Webhooks. */
import { createHash } from 'node:crypto';
import type { CallbackState, CallbackStatus } from '../pipeline/contracts.ts';
import { type ErrorCode, isRetryable } from '../pipeline/errors.ts';
import type { StageOutcome } from './names.ts';

/** How often a callback is tried, and when. */
export interface CallbackPolicy {
  readonly attempts: number;
  /** Wait before the second attempt, at least, in ms. */
  readonly retry_ms: number;
}

/** Each wait over the one before. */
const FACTOR = 3;
/** No wait is longer than a day, however often a callback is tried. */
const MAX_BACKOFF_MS = 86_400_000;
/** A wait is longer by up to this share of it, so that the callbacks of many songs don't come back all at once. */
const JITTER = 0.2;
/** A receiver that asks for more time than this is tried sooner. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

const FINAL_STATE: Partial<Record<ErrorCode, CallbackState>> = {
  callback_gone: 'gone',
  callback_refused: 'refused',
};

/** What the latest of so many attempts comes to. While another one may help it is `pending`. */
export function callbackStatus(message_id: string, attempts: number, outcome: StageOutcome): CallbackStatus {
  const { error, value } = outcome;
  if (!error && !value) return { callback: 'not requested' };
  const delivery = { message_id, attempts };
  if (!error) return { callback: 'delivered', callback_delivery: delivery };
  const { code, message } = error;
  const callback = isRetryable(code) ? 'pending' : (FINAL_STATE[code] ?? 'failed');
  return { callback, callback_delivery: { ...delivery, error: { code, message } } };
}

/** Time from failed attempt number `attempt` to the next one, in ms. It is the same whenever it is asked for. */
export function callbackDelayMs(
  messageId: string,
  attempt: number,
  { retry_ms }: CallbackPolicy,
  retryAfterMs = 0,
): number {
  const backoff = Math.min(retry_ms * FACTOR ** (attempt - 1), Math.max(retry_ms, MAX_BACKOFF_MS));
  const wanted = Math.max(backoff, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
  return Math.round(wanted * (1 + JITTER * fraction(`${messageId}:${attempt}`)));
}

/** A number in 0..1 that a text gives. */
function fraction(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}
