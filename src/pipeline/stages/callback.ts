import { postCallback } from '../callback/post.ts';
import type { CallbackPayload, ResultDocument } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { readJson, writeJson } from '../storage/container.ts';
import { callbackWorkBlob, resultBlob } from '../storage/names.ts';
import type { StageContext } from './context.ts';

export interface CallbackInput {
  readonly audio_file_id: string;
  /** Identity of the message: the same for every try. */
  readonly messageId: string;
  /** What to post when the run failed; absent, the result document is posted. */
  readonly failure?: Extract<CallbackPayload, { status: 'failed' }>;
}

/** Notes where the run of `audioFileId` is to report to. A request may do so while the run is already going. */
export async function requestCallback(
  audioFileId: string,
  url: string,
  { container }: Pick<StageContext, 'container'>,
): Promise<void> {
  await writeJson(container, callbackWorkBlob(audioFileId), { callback_url: url });
}

/** Tells the one who asked. Returns whether there was anybody to tell. */
export async function callback(input: CallbackInput, { container, config }: StageContext): Promise<boolean> {
  const { audio_file_id: id } = input;
  const request = await readJson<{ callback_url: string }>(container, callbackWorkBlob(id));
  const url = request?.callback_url ?? config.callbackUrl;
  if (!url) return false;
  const payload = input.failure ?? (await readJson<ResultDocument>(container, resultBlob(id)));
  if (!payload) throw new WorkerError('internal', `The result document of '${id}' is not there.`);
  faultPoint('callback', 'middle');
  await postCallback(url, payload, {
    messageId: input.messageId,
    secrets: config.callbackSecrets,
    timeoutMs: config.callbackTimeoutMs,
  });
  return true;
}
