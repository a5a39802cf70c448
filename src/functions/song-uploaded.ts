/** A song in the container starts its run by itself. The worker's own outputs start nothing. */
import { createRequire } from 'node:module';
import { app, type InvocationContext } from '@azure/functions';
import type * as extensions from '@azure/functions-extensions-base';
import * as df from 'durable-functions';
import { type Config, readConfig } from '../pipeline/config.ts';
import { asWorkerError } from '../pipeline/errors.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { songUploaded } from './upload.ts';

const config = configOrReason();

/** With a wrong setting: undefined, and why. To throw here would take every function along, /health with it. */
function configOrReason(): Config | undefined {
  try {
    return readConfig();
  } catch (error) {
    console.error(`No uploads are taken. ${asWorkerError(error).message}`);
    return undefined;
  }
}

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

// Left out where a setting is wrong: songs that come meanwhile are found by the first scan after that.
const triggers = config && app;
triggers?.storageBlob('songUploaded', {
  path: `${config?.container}/{name}`,
  connection: config?.storage.connectionString ? 'AZURE_STORAGE_CONNECTION_STRING' : 'AzureWebJobsStorage',
  source: config?.blobTriggerSource,
  // Stems of long songs come by here too: their content must not be read into memory only to be passed over.
  sdkBinding: true,
  extraInputs: [df.input.durableClient()],
  handler: async (reference: unknown, context: InvocationContext) => {
    const { BlobName } = reference as BlobReference;
    await songUploaded(BlobName, df.getClient(context), stageContext(), (text) => context.log(text));
  },
});
