import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import type { CallbackPayload } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { tool } from '../version.ts';
import type { AllowedHosts } from './allowed-hosts.ts';
import { callbackLookup, callbackUrlFault } from './callback-address.ts';
import { retryAfterMs } from './retry-after.ts';

export interface CallbackOptions {
  /** The same for every delivery of one message, so that a receiver can drop repeats. */
  readonly messageId: string;
  /** `whsec_…` secrets; each signs, so that a receiver can change over. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly allowedHosts: AllowedHosts;
}

/** What a receiver answers that wants no more of it. */
const GONE = 410;

/**
 * Posts `payload` to `url`, signed after Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`
 * (HMAC-SHA256 over `id.timestamp.body`). A redirect counts as a failure and is not followed.
 *
 * @throws WorkerError `callback_refused` where `url` leads to an address that is not allowed, `callback_gone` for 410, else
 *   `callback_failed`, with the time that the receiver asks for in `Retry-After`.
 */
export async function postCallback(
  url: string,
  payload: CallbackPayload,
  options: CallbackOptions,
): Promise<void> {
  const fault = callbackUrlFault(url, options.allowedHosts);
  if (fault) throw new WorkerError('callback_refused', `The callback is not sent: ${fault}.`);
  const { origin } = new URL(url);
  const { status, retryAfter } = await post(url, JSON.stringify(payload), options).catch((error: unknown) => {
    if (error instanceof WorkerError) throw error;
    throw new WorkerError('callback_failed', `The callback to ${origin} got no answer: ${reasonOf(error)}.`, {
      cause: error,
    });
  });
  if (status >= 200 && status <= 299) return;
  if (status === GONE)
    throw new WorkerError(
      'callback_gone',
      `The callback to ${origin} was answered with status 410: nothing more is wanted there.`,
    );
  throw new WorkerError(
    'callback_failed',
    `The callback to ${origin} was answered with status ${status}; 2xx was expected.`,
    { retryAfterMs: retryAfterMs(retryAfter, new Date()) },
  );
}

/** One request over a connection of its own: one that is kept could lead to an address which was checked long ago. */
async function post(
  url: string,
  body: string,
  { messageId, secrets, timeoutMs, allowedHosts }: CallbackOptions,
): Promise<{ status: number; retryAfter?: string }> {
  const now = new Date();
  const signatures = secrets.map((secret) => new Webhook(secret).sign(messageId, now, body));
  const agent = new Agent({ connect: { lookup: callbackLookup(allowedHosts), timeout: timeoutMs } });
  try {
    const {
      statusCode,
      headers,
      body: answer,
    } = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': `${tool.name}/${tool.version}`,
        'webhook-id': messageId,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
      },
      body,
      headersTimeout: 0,
      signal: AbortSignal.timeout(timeoutMs),
    });
    // Nobody reads it, nor the end that `destroy` puts to it.
    answer.on('error', () => {});
    const retryAfter = headers['retry-after'];
    return { status: statusCode, retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter };
  } finally {
    await agent.destroy();
  }
}

/** Of several addresses that were tried, why the first one failed. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : String(first);
}
