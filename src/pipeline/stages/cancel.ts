import type { ErrorInfo } from '../errors.ts';
import { blobNames, readJson, removeBlob, writeJson } from '../storage/container.ts';
import { cancelWorkBlob } from '../storage/names.ts';
import type { StageContext } from './context.ts';

/** Asks the run of a song to leave off. Its stages find the request in a work blob, on whatever machine they are. */
export async function requestCancel(
  audioFileId: string,
  reason: ErrorInfo,
  { container }: StageContext,
): Promise<void> {
  await writeJson(container, cancelWorkBlob(audioFileId), reason);
}

/** Why the run of a song is to leave off, or undefined. */
export async function cancelRequest(
  audioFileId: string,
  { container }: StageContext,
): Promise<ErrorInfo | undefined> {
  const name = cancelWorkBlob(audioFileId);
  // Listed rather than read: this is asked all the time, and a blob that is not there would be told as a failure each time.
  const isRequested = (await blobNames(container, name)).length > 0;
  return isRequested ? await readJson<ErrorInfo>(container, name) : undefined;
}

/** Takes a request back that no run has found. */
export async function withdrawCancel(audioFileId: string, { container }: StageContext): Promise<void> {
  await removeBlob(container, cancelWorkBlob(audioFileId));
}
