/**
 * The further attempts at a callback, in an orchestration of their own: the run is over meanwhile, its song's next run can
 * begin, and what is told stays what the run had to tell.
 */
import type { DurableClient, OrchestrationContext, Task } from 'durable-functions';
import type { CallbackStatus } from '../pipeline/contracts.ts';
import { type CallbackInput, holdCallback } from '../pipeline/stages/callback.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { type CallbackPolicy, callbackDelayMs, callbackStatus } from './callback-policy.ts';
import { DELIVERY, type StageOutcome } from './names.ts';
import { runAttempt, runStages, wait } from './retry.ts';
import { instanceStatus, UNDER_WAY } from './start.ts';

const GUID_LENGTH = 36;

/** What a delivery begins with: the message is held, and was tried once. */
export interface Delivery extends CallbackPolicy {
  readonly audio_file_id: string;
  readonly message_id: string;
  /** Of the first attempt. */
  readonly error: NonNullable<StageOutcome['error']>;
}

/** The orchestration. */
export function* deliverCallback(
  context: OrchestrationContext,
): Generator<Task, CallbackStatus, StageOutcome[]> {
  const delivery = context.df.getInput() as Delivery;
  const { audio_file_id, message_id, attempts } = delivery;
  let outcome: StageOutcome = { seconds: 0, error: delivery.error };
  let status = callbackStatus(message_id, 1, outcome);
  for (let attempt = 1; status.callback === 'pending' && attempt < attempts; attempt++) {
    const delay = callbackDelayMs(message_id, attempt, delivery, outcome.error?.retry_after_ms);
    const next = new Date(context.df.currentUtcDateTime.getTime() + delay);
    context.df.setCustomStatus(withNextAttempt(status, next));
    yield* wait(context, delay);
    const input: CallbackInput = { audio_file_id, messageId: message_id, held: true };
    outcome = yield* runAttempt(context, audio_file_id, { stage: 'callback', input }, attempt + 1);
    status = callbackStatus(message_id, attempt + 1, outcome);
  }
  if (status.callback === 'pending') status = { ...status, callback: 'failed' };
  context.df.setCustomStatus(status);
  const release: CallbackInput = { audio_file_id, messageId: message_id };
  yield* runStages(context, audio_file_id, [{ stage: 'releaseCallback', input: release }], {
    attempts,
    firstDelayMs: delivery.retry_ms,
  });
  return status;
}

const withNextAttempt = (status: CallbackStatus, at: Date): CallbackStatus => ({
  ...status,
  callback_delivery: { ...status.callback_delivery!, next_attempt_at: at.toISOString() },
});

/** A message's id may be longer than an instance's; the GUID at its end is enough. */
const instanceIdOf = (messageId: string) => `callback-${messageId.slice(-GUID_LENGTH)}`;

/** A message whose first attempt has failed, and why. */
export interface HoldInput {
  readonly message: CallbackInput;
  readonly error: NonNullable<StageOutcome['error']>;
}

/** Keeps a message and starts its delivery. Returns whether there is anybody to tell. */
export async function holdAndDeliver(
  { message, error }: HoldInput,
  client: DurableClient,
  context: StageContext,
): Promise<boolean> {
  const { audio_file_id, messageId: message_id } = message;
  const { callbackAttempts: attempts, callbackRetryMs: retry_ms } = context.config;
  if (!(await holdCallback(message, context))) return false;
  await startDelivery(client, { audio_file_id, message_id, attempts, retry_ms, error });
  return true;
}

/** Starts the delivery of a message that is held, unless it is under way. */
async function startDelivery(client: DurableClient, input: Delivery): Promise<void> {
  const instanceId = instanceIdOf(input.message_id);
  try {
    await client.startNew(DELIVERY, { instanceId, input });
  } catch (error) {
    // Whoever started it before was killed before that could be noted.
    const known = await instanceStatus(client, instanceId);
    if (!known || !UNDER_WAY.has(known.runtimeStatus)) throw error;
  }
}

/** The callback's status by now, where a run ended with `status`. */
export async function currentCallback(
  client: DurableClient,
  { callback, callback_delivery }: Partial<CallbackStatus>,
): Promise<Partial<CallbackStatus>> {
  if (callback !== 'pending' || !callback_delivery) return { callback, callback_delivery };
  const delivery = await instanceStatus(client, instanceIdOf(callback_delivery.message_id));
  const told = delivery?.customStatus as CallbackStatus | null | undefined;
  return told ?? { callback, callback_delivery };
}
