import type { DurableClient } from 'durable-functions';
import { audioFileId, ID_EXPECTED, type JobInput } from '../pipeline/contracts.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { blobNameFault } from '../pipeline/storage/blob-address.ts';
import { toldVersion } from '../pipeline/storage/blob-version.ts';
import { isOutput } from '../pipeline/storage/names.ts';
import { storageCallIfThere } from '../pipeline/storage/requests.ts';
import { isAudioName } from '../pipeline/storage/upload-id.ts';
import { type Start, startRun } from './start.ts';
import { endDoubleRun, hadItsRun, idOfUpload, noteAskedId } from './upload-history.ts';

const START_MESSAGE: Record<Start, string> = {
  started: 'analysis started',
  joined: 'a run of it is under way already',
  queued: 'it is analysed when the run under way has ended',
};

/** What an upload asks for in its metadata. */
function askedBy(
  metadata: Readonly<Record<string, string>> = {},
): Pick<JobInput, 'model' | 'stems'> & { id?: string } {
  const stems = metadata.stems?.split(/[\s,]+/).filter(Boolean);
  return {
    id: metadata.audio_file_id,
    model: metadata.model || undefined,
    stems: stems?.length ? [...new Set(stems)] : undefined,
  };
}

/** Starts the run of an uploaded song, or says why it doesn't. */
export async function songUploaded(
  blob_name: string,
  client: DurableClient,
  worker: StageContext,
  log: (text: string) => void,
): Promise<void> {
  if (!isAudioName(blob_name)) return;
  const shown = JSON.stringify(blob_name);
  const fault = blobNameFault(blob_name);
  if (fault) return log(`${shown} is not analysed: ${fault}. Upload it under another name.`);
  const properties = await storageCallIfThere(blob_name, (bounds) =>
    worker.container.getBlobClient(blob_name).getProperties(bounds),
  );
  if (!properties) return log(`${shown} was removed before its analysis began.`);
  const { metadata } = properties;
  if (isOutput(blob_name)) {
    // Stems carry the run that made them.
    if (!metadata?.run) log(`${shown} is not analysed: runs keep their outputs there. Upload it elsewhere.`);
    return;
  }
  const { id, model, stems } = askedBy(metadata);
  const isId = audioFileId.safeParse(id).success;
  if (id !== undefined && !isId)
    log(`${shown}: its metadata audio_file_id is passed over; ${ID_EXPECTED}, got ${JSON.stringify(id)}.`);
  const upload = { ...toldVersion(blob_name, properties), model, stems };
  const audio_file_id = isId ? id! : await idOfUpload(client, upload, worker);
  if (isId) await noteAskedId(blob_name, id!, worker);
  if (await hadItsRun(client, audio_file_id, upload, worker))
    return log(
      `${shown}: this content has its run already, as '${audio_file_id}'. POST /analyze has it analysed again.`,
    );
  const start = await startRun(client, { audio_file_id, ...upload, origin: 'upload' }, worker);
  if (!isId && (await endDoubleRun(client, blob_name, worker)))
    return log(`${shown}: a request has it analysed already; the run '${audio_file_id}' leaves off.`);
  log(`${shown}: ${START_MESSAGE[start]}, as '${audio_file_id}'.`);
}
