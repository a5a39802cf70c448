/** A song in the container starts its run by itself. The worker's own outputs start nothing. */
import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { readConfig } from '../pipeline/config.ts';
import type { ResultDocument } from '../pipeline/contracts.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { readJson, storageCall } from '../pipeline/storage/container.ts';
import { idOfBlob, isSong, resultBlob } from '../pipeline/storage/names.ts';
import { startRun } from './start.ts';

const { container, blobTriggerSource, storage } = readConfig();

app.storageBlob('songUploaded', {
  path: `${container}/{name}`,
  connection: storage.connectionString ? 'AZURE_STORAGE_CONNECTION_STRING' : 'AzureWebJobsStorage',
  source: blobTriggerSource,
  extraInputs: [df.input.durableClient()],
  handler: async (_song: unknown, context: InvocationContext) => {
    const blob_name = String(context.triggerMetadata?.name);
    if (!isSong(blob_name)) return;
    const audio_file_id = idOfBlob(blob_name);
    const stage = stageContext();
    const { etag, metadata } = await storageCall(blob_name, () =>
      stage.container.getBlobClient(blob_name).getProperties(),
    );
    const result = await readJson<ResultDocument>(stage.container, resultBlob(audio_file_id));
    if (result?.source.blob_name === blob_name && result.source.etag === etag) return; // A request was faster.
    const started = await startRun(df.getClient(context), {
      audio_file_id,
      blob_name,
      model: metadata?.model,
    });
    context.log(
      `${blob_name}: ${started ? 'analysis started' : 'being analysed already'} as '${audio_file_id}'.`,
    );
  },
});
