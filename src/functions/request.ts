import type { DurableClient } from 'durable-functions';
import { callbackUrlFault, resolvedAddressFault } from '../pipeline/callback/callback-address.ts';
import type { AnalyzeRequest } from '../pipeline/contracts.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { requireKnown } from '../pipeline/separation/registry.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { parseBlobAddress } from '../pipeline/storage/blob-address.ts';
import { toldVersion } from '../pipeline/storage/blob-version.ts';
import { isOutput } from '../pipeline/storage/names.ts';
import { storageCallIfThere } from '../pipeline/storage/requests.ts';
import { requireUsableSettings } from '../pipeline/usable-settings.ts';
import { type Start, startRun } from './start.ts';
import { endDoubleRun } from './upload-history.ts';

/**
 * Starts the run that a request asks for, or lets it join the one under way.
 *
 * @throws WorkerError `invalid_request`, `id_in_use`, or what the storage fails with.
 */
export async function requestRun(
  { audio_file_id, blob_uri, callback_url, model, stems }: AnalyzeRequest,
  client: DurableClient,
  worker: StageContext,
): Promise<Start> {
  const { container, config } = worker;
  const blob_name = parseBlobAddress(container.url, blob_uri);
  requireInput(blob_name);
  requireKnown(model, stems, config);
  await requireUsableSettings(config);
  if (callback_url) await requireAllowed(callback_url, config);
  // Where there is no blob, the run will tell.
  const blob = await storageCallIfThere(blob_name, (bounds) =>
    container.getBlobClient(blob_name).getProperties(bounds),
  );
  const version = blob ? toldVersion(blob_name, blob) : { blob_name };
  const job = { audio_file_id, ...version, model, stems, origin: 'request' } as const;
  const start = await startRun(client, job, worker, callback_url);
  await endDoubleRun(client, blob_name, worker);
  return start;
}

/** @throws WorkerError `invalid_request` for an address that no callback may go to */
async function requireAllowed(
  callback_url: string,
  { callbackAllowedHosts }: StageContext['config'],
): Promise<void> {
  const fault =
    callbackUrlFault(callback_url, callbackAllowedHosts) ??
    (await resolvedAddressFault(callback_url, callbackAllowedHosts));
  if (fault) throw new WorkerError('invalid_request', `callback_url: ${fault}.`);
}

/** @throws WorkerError `invalid_request` for a blob that lies where runs keep theirs: they would replace and remove it. */
function requireInput(blobName: string): void {
  if (!isOutput(blobName)) return;
  throw new WorkerError(
    'invalid_request',
    `blob_uri: an output is never an input, and runs keep theirs in {audio_file_id}/stems, analysis and work; got '${blobName}'. Name the song's own blob, or copy it elsewhere.`,
  );
}
