/** A song in the container starts its run by itself. The worker's own outputs start nothing. */
import { createRequire } from 'node:module';
import { app, type InvocationContext } from '@azure/functions';
import type * as extensions from '@azure/functions-extensions-base';
import * as df from 'durable-functions';
import { readConfig } from '../pipeline/config.ts';
import type { JobInput, ResultDocument } from '../pipeline/contracts.ts';
import { type StageContext, stageContext } from '../pipeline/stages/context.ts';
import { propertiesOf, readJson } from '../pipeline/storage/container.ts';
import { idOfBlob, isSong, resultBlob } from '../pipeline/storage/names.ts';
import { instanceStatus, type Start, startRun } from './start.ts';

const { container, blobTriggerSource, storage } = readConfig();

const TOLD: Record<Start, string> = {
  started: 'analysis started',
  joined: 'a run is under way already (songs of one folder share it)',
  queued: 'the run under way leaves off and this version follows',
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

/**
 * Whether this version of a song is being analysed or was, however that ended: a request may be faster than the news of
 * its upload, and news may come twice. What was called off must not begin again by them.
 */
async function hadItsRun(
  { audio_file_id, blob_name, etag }: Pick<JobInput, 'audio_file_id' | 'blob_name' | 'etag'>,
  client: df.DurableClient,
  { container }: StageContext,
): Promise<boolean> {
  const job = (await instanceStatus(client, audio_file_id))?.input as JobInput | undefined;
  if (job?.blob_name === blob_name && job.etag === etag) return true;
  const result = await readJson<ResultDocument>(container, resultBlob(audio_file_id));
  return result?.source.blob_name === blob_name && result.source.etag === etag;
}

app.storageBlob('songUploaded', {
  path: `${container}/{name}`,
  connection: storage.connectionString ? 'AZURE_STORAGE_CONNECTION_STRING' : 'AzureWebJobsStorage',
  source: blobTriggerSource,
  // Stems of long songs come by here too: their content must not be read into memory only to be passed over.
  sdkBinding: true,
  extraInputs: [df.input.durableClient()],
  handler: async (reference: unknown, context: InvocationContext) => {
    const { BlobName: blob_name } = reference as BlobReference;
    if (!isSong(blob_name)) return;
    const audio_file_id = idOfBlob(blob_name);
    const stage = stageContext();
    const { etag, metadata } = await propertiesOf(stage.container, blob_name);
    const client = df.getClient(context);
    if (await hadItsRun({ audio_file_id, blob_name, etag }, client, stage)) return;
    const job = {
      audio_file_id,
      blob_name,
      etag,
      model: metadata?.model,
      stems: metadata?.stems?.split(/[\s,]+/).filter(Boolean),
    };
    const start = await startRun(client, job, stage);
    context.log(`${blob_name}: ${TOLD[start]}, as '${audio_file_id}'.`);
  },
});
