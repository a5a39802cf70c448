/** A song in the container starts its run by itself. The worker's own outputs start nothing. */
import { createRequire } from 'node:module';
import { app, type InvocationContext } from '@azure/functions';
import type * as extensions from '@azure/functions-extensions-base';
import * as df from 'durable-functions';
import { readConfig } from '../pipeline/config.ts';
import type { ResultDocument } from '../pipeline/contracts.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { readJson, storageCall } from '../pipeline/storage/container.ts';
import { idOfBlob, isSong, resultBlob } from '../pipeline/storage/names.ts';
import { type Start, startRun } from './start.ts';

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
    const { etag, metadata } = await storageCall(blob_name, () =>
      stage.container.getBlobClient(blob_name).getProperties(),
    );
    const result = await readJson<ResultDocument>(stage.container, resultBlob(audio_file_id));
    if (result?.source.blob_name === blob_name && result.source.etag === etag) return; // A request was faster.
    const job = {
      audio_file_id,
      blob_name,
      etag,
      model: metadata?.model,
      stems: metadata?.stems?.split(/[\s,]+/).filter(Boolean),
    };
    const start = await startRun(df.getClient(context), job, stage);
    context.log(`${blob_name}: ${TOLD[start]}, as '${audio_file_id}'.`);
  },
});
