import type { BlobClient, BlobGetPropertiesResponse, RestError } from '@azure/storage-blob';
import type { RpcData } from '../http/rpc.ts';

/** A Buffer cannot be larger, and neither can what the real worker passes. */
const MAX_BLOB_BYTES = 2 ** 31 - 1;

/** What a function gets for a blob. */
export interface BlobTriggerData {
  data: RpcData;
  metadata: Record<string, RpcData>;
}

/** How a function wants its blob. */
export interface BlobBinding {
  /** Name of the setting that holds the connection. */
  readonly connection: string;
  /** `string` for text; else bytes. */
  readonly dataType?: unknown;
  /** Only a reference to the blob, no content: the library's deferred binding. */
  readonly deferred: boolean;
}

/** What a function gets for the version `etag` of the blob; undefined where it is gone or was overwritten meanwhile. */
export async function readTriggerData(
  blob: BlobClient,
  etag: string,
  binding: BlobBinding,
  params: Record<string, string>,
): Promise<BlobTriggerData | undefined> {
  const conditions = { ifMatch: `"${etag}"` };
  let properties: BlobGetPropertiesResponse;
  let data: RpcData;
  try {
    properties = await blob.getProperties({ conditions });
    data = binding.deferred
      ? referenceTo(blob, binding.connection)
      : await contentOf(blob, conditions, binding);
  } catch (error) {
    const { statusCode } = error as RestError;
    if (statusCode === 404 || statusCode === 412) return undefined;
    throw error;
  }
  return {
    data,
    metadata: {
      ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, { string: value }])),
      BlobTrigger: { string: `${blob.containerName}/${blob.name}` },
      Uri: { string: blob.url },
      Properties: { json: JSON.stringify(propertiesOf(properties, etag)) },
      Metadata: { json: JSON.stringify(properties.metadata ?? {}) },
    },
  };
}

/** As the Functions host refers to a blob. */
function referenceTo(blob: BlobClient, connection: string): RpcData {
  const place = { Connection: connection, ContainerName: blob.containerName, BlobName: blob.name };
  return {
    modelBindingData: {
      version: '1.0',
      source: 'AzureStorageBlobs',
      contentType: 'application/json',
      content: Buffer.from(JSON.stringify(place)),
    },
  };
}

async function contentOf(
  blob: BlobClient,
  conditions: { ifMatch: string },
  { dataType }: BlobBinding,
): Promise<RpcData> {
  const response = await blob.download(0, undefined, { conditions });
  const body = response.readableStreamBody as NodeJS.ReadableStream & { destroy(): void };
  const length = response.contentLength ?? 0;
  if (length > MAX_BLOB_BYTES) {
    body.destroy();
    throw new RangeError(`the blob has ${length} bytes; a function can be given at most ${MAX_BLOB_BYTES}`);
  }
  const bytes = await readAll(body, length);
  return dataType === 'string' ? { string: bytes.toString('utf8') } : { bytes };
}

async function readAll(body: NodeJS.ReadableStream, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for await (const chunk of body) offset += (chunk as Buffer).copy(bytes, offset);
  if (offset !== length) throw new Error(`the blob broke off after ${offset} of ${length} bytes`);
  return bytes;
}

function propertiesOf(response: BlobGetPropertiesResponse, etag: string) {
  return {
    BlobType: response.blobType,
    ContentLength: response.contentLength,
    ContentType: response.contentType,
    CreatedOn: response.createdOn,
    ETag: `"${etag}"`,
    LastModified: response.lastModified,
  };
}
