import { Webhook } from 'standardwebhooks';
import type { CallbackPayload } from '../contracts.ts';
import { WorkerError } from '../errors.ts';

export interface CallbackOptions {
  /** The same for every delivery of one message, so that a receiver can drop repeats. */
  readonly messageId: string;
  /** `whsec_…` secrets; each signs, so that a receiver can change over. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Posts `payload` to `url`, signed after Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`
 * (HMAC-SHA256 over `id.timestamp.body`). A redirect counts as a failure and is not followed.
 *
 * @throws WorkerError `callback_failed`.
 */
export async function postCallback(
  url: string,
  payload: CallbackPayload,
  options: CallbackOptions,
): Promise<void> {
  const body = JSON.stringify(payload);
  const now = new Date();
  const signatures = options.secrets.map((secret) => new Webhook(secret).sign(options.messageId, now, body));
  const { origin } = new URL(url);
  let status: number;
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'webhook-id': options.messageId,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
      },
      body,
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    await answer.body?.cancel();
    status = answer.status;
  } catch (error) {
    const reason =
      error instanceof Error
        ? error.cause instanceof Error
          ? error.cause.message
          : error.message
        : String(error);
    throw new WorkerError('callback_failed', `The callback to ${origin} got no answer: ${reason}.`, {
      cause: error,
    });
  }
  if (status < 200 || status > 299) {
    throw new WorkerError(
      'callback_failed',
      `The callback to ${origin} was answered with status ${status}; 2xx was expected.`,
    );
  }
}
