/** A song in the container starts its run by itself. The worker's own outputs start nothing. */
import { createRequire } from 'node:module';
import { app, type InvocationContext } from '@azure/functions';
import type * as extensions from '@azure/functions-extensions-base';
import * as df from 'durable-functions';
import { readConfig } from '../pipeline/config.ts';
import { audioFileId, ID_EXPECTED, type JobInput } from '../pipeline/contracts.ts';
import { type StageContext, stageContext } from '../pipeline/stages/context.ts';
import { blobNameFault } from '../pipeline/storage/blob-address.ts';
import { toldVersion } from '../pipeline/storage/blob-version.ts';
import { isOutput } from '../pipeline/storage/names.ts';
import { storageCallIfThere } from '../pipeline/storage/requests.ts';
import { isAudioName } from '../pipeline/storage/upload-id.ts';
import { type Start, startRun } from './start.ts';
import { endDoubleRun, hadItsRun, idOfUpload } from './upload-history.ts';

const { container, blobTriggerSource, storage } = readConfig();

const START_MESSAGE: Record<Start, string> = {
  started: 'analysis started',
  joined: 'a run of it is under way already',
  queued: 'it is analysed when the run under way has ended',
};

/** What the host hands over with `sdkBinding`: the blob's place instead of its content. */
interface BlobReference {
  readonly ContainerName: string;
  readonly BlobName: string;
}

// By `require`, as @azure/functions gets it: an import would be given another instance.
const { ResourceFactoryResolver } = createRequire(import.meta.url)(
  '@azure/functions-extensions-base',
) as typeof extensions;
ResourceFactoryResolver.getInstance().registerResourceFactory(
  'AzureStorageBlobs',
  (data) => JSON.parse(String((data as extensions.ModelBindingData).content)) as BlobReference,
);

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
  client: df.DurableClient,
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
  const audio_file_id = isId ? id! : await idOfUpload(client, blob_name, worker);
  const upload = { ...toldVersion(blob_name, properties), model, stems };
  if (await hadItsRun(client, audio_file_id, upload, worker))
    return log(
      `${shown}: this content has its run already, as '${audio_file_id}'. POST /analyze has it analysed again.`,
    );
  const start = await startRun(client, { audio_file_id, ...upload, origin: 'upload' }, worker);
  if (!isId && (await endDoubleRun(client, blob_name, worker)))
    return log(`${shown}: a request has it analysed already; the run '${audio_file_id}' leaves off.`);
  log(`${shown}: ${START_MESSAGE[start]}, as '${audio_file_id}'.`);
}

app.storageBlob('songUploaded', {
  path: `${container}/{name}`,
  connection: storage.connectionString ? 'AZURE_STORAGE_CONNECTION_STRING' : 'AzureWebJobsStorage',
  source: blobTriggerSource,
  // Stems of long songs come by here too: their content must not be read into memory only to be passed over.
  sdkBinding: true,
  extraInputs: [df.input.durableClient()],
  handler: async (reference: unknown, context: InvocationContext) => {
    const { BlobName } = reference as BlobReference;
    await songUploaded(BlobName, df.getClient(context), stageContext(), (text) => context.log(text));
  },
});
