import type { BlobClient, BlobDownloadResponseParsed, RestError } from '@azure/storage-blob';
import type { RpcData } from '../http/rpc.ts';

/** A Buffer cannot be larger, and neither can what the real worker passes. */
const MAX_BLOB_BYTES = 2 ** 31 - 1;

/** What a function gets for a blob. */
export interface BlobTriggerData {
  data: RpcData;
  metadata: Record<string, RpcData>;
}

/** Reads the version `etag` of the blob; undefined where it is gone or was overwritten meanwhile. */
export async function readTriggerData(
  blob: BlobClient,
  etag: string,
  dataType: unknown,
  params: Record<string, string>,
): Promise<BlobTriggerData | undefined> {
  let response: BlobDownloadResponseParsed;
  try {
    response = await blob.download(0, undefined, { conditions: { ifMatch: `"${etag}"` } });
  } catch (error) {
    const { statusCode } = error as RestError;
    if (statusCode === 404 || statusCode === 412) return undefined;
    throw error;
  }
  const body = response.readableStreamBody as NodeJS.ReadableStream & { destroy(): void };
  const length = response.contentLength ?? 0;
  if (length > MAX_BLOB_BYTES) {
    body.destroy();
    throw new RangeError(`the blob has ${length} bytes; a function can be given at most ${MAX_BLOB_BYTES}`);
  }
  const bytes = await readAll(body, length);
  return {
    data: dataType === 'string' ? { string: bytes.toString('utf8') } : { bytes },
    metadata: {
      ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, { string: value }])),
      BlobTrigger: { string: `${blob.containerName}/${blob.name}` },
      Uri: { string: blob.url },
      Properties: { json: JSON.stringify(propertiesOf(response, etag)) },
      Metadata: { json: JSON.stringify(response.metadata ?? {}) },
    },
  };
}

async function readAll(body: NodeJS.ReadableStream, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for await (const chunk of body) offset += (chunk as Buffer).copy(bytes, offset);
  if (offset !== length) throw new Error(`the blob broke off after ${offset} of ${length} bytes`);
  return bytes;
}

function propertiesOf(response: BlobDownloadResponseParsed, etag: string) {
  return {
    BlobType: response.blobType,
    ContentLength: response.contentLength,
    ContentType: response.contentType,
    CreatedOn: response.createdOn,
    ETag: `"${etag}"`,
    LastModified: response.lastModified,
  };
}
