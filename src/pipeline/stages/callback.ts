import { postCallback } from '../callback/post.ts';
import type { CallbackPayload, ResultDocument } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { readJson, removeBlob, writeJson } from '../storage/container.ts';
import { callbackWorkBlob, heldCallbackBlob, resultBlob } from '../storage/names.ts';
import type { StageContext } from './context.ts';

export interface CallbackInput {
  readonly audio_file_id: string;
  /** Identity of the message: the same for every attempt. */
  readonly messageId: string;
  /** What to post when the run failed; absent, the result document is posted. */
  readonly failure?: Extract<CallbackPayload, { status: 'failed' }>;
  /** The message is the one that was held, whatever has become of the run's result since. */
  readonly held?: boolean;
}

/** Who is told what. */
interface Message {
  readonly url: string;
  readonly payload: CallbackPayload;
}

/** Notes where the run of `audioFileId` is to report to. A request may do so while the run is already going. */
export async function requestCallback(
  audioFileId: string,
  url: string,
  { container }: Pick<StageContext, 'container'>,
): Promise<void> {
  await writeJson(container, callbackWorkBlob(audioFileId), { callback_url: url });
}

/** Makes one attempt at telling the one who asked. Returns whether there was anybody to tell. */
export async function callback(input: CallbackInput, context: StageContext): Promise<boolean> {
  const message = await (input.held ? heldMessage(input, context) : messageOf(input, context));
  if (!message) return false;
  const { config } = context;
  faultPoint('callback', 'middle');
  await postCallback(message.url, message.payload, {
    messageId: input.messageId,
    secrets: config.callbackSecrets,
    timeoutMs: config.callbackTimeoutMs,
    allowedHosts: config.callbackAllowedHosts,
  });
  return true;
}

/** Keeps the message of a run that ends, for further attempts. Returns whether there is anybody to tell. */
export async function holdCallback(input: CallbackInput, context: StageContext): Promise<boolean> {
  const message = await messageOf(input, context);
  if (!message) return false;
  await writeJson(context.container, heldCallbackBlob(input.audio_file_id, input.messageId), message);
  return true;
}

/** Removes a message that is not tried again. */
export async function releaseCallback(
  { audio_file_id, messageId }: CallbackInput,
  { container }: StageContext,
): Promise<void> {
  await removeBlob(container, heldCallbackBlob(audio_file_id, messageId));
}

async function messageOf(
  { audio_file_id: id, failure }: CallbackInput,
  { container, config }: StageContext,
): Promise<Message | undefined> {
  const request = await readJson<{ callback_url: string }>(container, callbackWorkBlob(id));
  const url = request?.callback_url ?? config.callbackUrl;
  if (!url) return undefined;
  const payload = failure ?? (await readJson<ResultDocument>(container, resultBlob(id)));
  if (!payload) throw new WorkerError('internal', `The result document of '${id}' is not there.`);
  return { url, payload };
}

async function heldMessage(
  { audio_file_id, messageId }: CallbackInput,
  { container }: StageContext,
): Promise<Message> {
  const message = await readJson<Message>(container, heldCallbackBlob(audio_file_id, messageId));
  if (message) return message;
  throw new WorkerError(
    'work_lost',
    `The message ${messageId} of '${audio_file_id}' is not held any more: its blob was removed.`,
  );
}
