import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { DefaultAzureCredential } from '@azure/identity';
import {
  type BlobClient,
  type BlobGetPropertiesResponse,
  type BlobRequestConditions,
  BlobServiceClient,
  type ContainerClient,
} from '@azure/storage-blob';
import type { Config } from '../config.ts';
import type { SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { storageCall, storageCallIfThere } from './requests.ts';

/** What is read of a blob with one request. */
const PIECE_BYTES = 4_000_000;
/** Requests are tried again by `storageCall`, not by the SDK. */
const OPTIONS = { retryOptions: { maxTries: 1 } };

let opened: { key: string; client: ContainerClient } | undefined;

/**
 * The container of songs and results, by connection string or by managed identity.
 *
 * @throws WorkerError `misconfigured` where neither is configured, or what is can't be one.
 */
export function openContainer(config: Config): ContainerClient {
  const { connectionString, accountUrl } = config.storage;
  const key = `${connectionString}|${accountUrl}|${config.container}`;
  if (opened?.key === key) return opened.client;
  const client = openService(config.storage).getContainerClient(config.container);
  opened = { key, client };
  return client;
}

/** What a setting holds may be a secret: errors name the setting alone. */
function openService({ connectionString, accountUrl }: Config['storage']): BlobServiceClient {
  if (!connectionString && !accountUrl) {
    throw new WorkerError(
      'misconfigured',
      'No storage is configured. Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_URL for managed identity.',
    );
  }
  try {
    if (!connectionString && new URL(accountUrl!).protocol !== 'https:') throw new TypeError('not https');
    return connectionString
      ? BlobServiceClient.fromConnectionString(connectionString, OPTIONS)
      : new BlobServiceClient(accountUrl!, new DefaultAzureCredential(), OPTIONS);
  } catch {
    // No cause: it holds what it could not read.
    throw new WorkerError(
      'misconfigured',
      connectionString
        ? "The setting AZURE_STORAGE_CONNECTION_STRING is no storage connection string: expected 'DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…'. Copy it from the storage account's access keys."
        : "The setting AZURE_STORAGE_ACCOUNT_URL is no address: expected 'https://<account>.blob.core.windows.net'.",
    );
  }
}

/** Makes the container where there is none. */
export async function ensureContainer(container: ContainerClient): Promise<void> {
  await storageCall(container.containerName, (options) => container.createIfNotExists(options));
}

/** A JSON document as it is stored. */
export const jsonBytes = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));

/** Writes a JSON document, where its blob meets the conditions. Returns its ETag. */
export async function writeJson(
  container: ContainerClient,
  blobName: string,
  document: unknown,
  conditions?: BlobRequestConditions,
): Promise<string> {
  const body = jsonBytes(document);
  const blob = container.getBlockBlobClient(blobName);
  const blobHTTPHeaders = { blobContentType: 'application/json' };
  const { etag } = await storageCall(blobName, (options) =>
    blob.uploadData(body, { ...options, blobHTTPHeaders, conditions }),
  );
  return etag ?? '';
}

/** A document in the version that `etag` names. */
export interface Versioned<T> {
  readonly document: T;
  readonly etag: string;
}

/** Reads a JSON document with its version; `undefined` where there is none. */
export async function readVersion<T>(
  container: ContainerClient,
  blobName: string,
): Promise<Versioned<T> | undefined> {
  const blob = container.getBlobClient(blobName);
  return await storageCallIfThere(blobName, async (options) => {
    const { readableStreamBody, etag = '' } = await blob.download(0, undefined, options);
    return { document: (await json(readableStreamBody as Readable)) as T, etag };
  });
}

/** Reads a JSON document; `undefined` where there is none. */
export async function readJson<T>(container: ContainerClient, blobName: string): Promise<T | undefined> {
  return (await readVersion<T>(container, blobName))?.document;
}

/** A blob's properties. @throws WorkerError `blob_not_found` */
export async function propertiesOf(
  container: ContainerClient,
  blobName: string,
): Promise<BlobGetPropertiesResponse> {
  return await storageCall(blobName, (options) => container.getBlobClient(blobName).getProperties(options));
}

/** A blob's properties; `undefined` where there is none. */
export async function findBlob(
  container: ContainerClient,
  blobName: string,
): Promise<BlobGetPropertiesResponse | undefined> {
  return await storageCallIfThere(blobName, (options) =>
    container.getBlobClient(blobName).getProperties(options),
  );
}

/** Names of the blobs that begin with `prefix`. */
export async function blobNames(container: ContainerClient, prefix: string): Promise<string[]> {
  return await storageCall(prefix, async (options) => {
    const names: string[] = [];
    for await (const { name } of container.listBlobsFlat({ ...options, prefix })) names.push(name);
    return names;
  });
}

/** Removes a blob with its snapshots, where it meets the conditions; one that is not there is no error. */
export async function removeBlob(
  container: ContainerClient,
  blobName: string,
  conditions?: BlobRequestConditions,
): Promise<void> {
  await storageCall(blobName, (options) =>
    container.getBlobClient(blobName).deleteIfExists({ ...options, conditions, deleteSnapshots: 'include' }),
  );
}

/**
 * The bytes of a blob of exactly the version `etag`, piece by piece, so that a broken connection costs one of them.
 *
 * @throws WorkerError `blob_changed` where that version is gone.
 */
export async function* readBlob(
  container: ContainerClient,
  { blob_name, etag, size_bytes }: Pick<SourceInfo, 'blob_name' | 'etag' | 'size_bytes'>,
): AsyncGenerator<Buffer> {
  yield* readPieces(container.getBlobClient(blob_name), size_bytes, { ifMatch: etag });
}

/** The first `bytes` bytes of a blob or a snapshot, piece by piece. */
export async function* readPieces(
  blob: BlobClient,
  bytes: number,
  conditions?: BlobRequestConditions,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const count = Math.min(PIECE_BYTES, bytes - at);
    yield await storageCall(blob.name, (options) =>
      blob.downloadToBuffer(at, count, { ...options, blockSize: count, conditions }),
    );
  }
}
