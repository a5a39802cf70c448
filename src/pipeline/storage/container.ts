import { Readable } from 'node:stream';
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type ContainerClient, RestError } from '@azure/storage-blob';
import type { Config } from '../config.ts';
import { WorkerError } from '../errors.ts';

/** Time that one try of a request to the storage may take. */
const TRY_TIMEOUT_MS = 60_000;
const MAX_TRIES = 4;

let opened: { key: string; client: ContainerClient } | undefined;

/**
 * The container of songs and results, by connection string or by managed identity.
 *
 * @throws WorkerError `storage_unavailable` where neither is configured.
 */
export function openContainer(config: Config): ContainerClient {
  const { connectionString, accountUrl } = config.storage;
  const key = `${connectionString}|${accountUrl}|${config.container}`;
  if (opened?.key === key) return opened.client;
  const options = { retryOptions: { maxTries: MAX_TRIES, tryTimeoutInMs: TRY_TIMEOUT_MS } };
  const service = connectionString
    ? BlobServiceClient.fromConnectionString(connectionString, options)
    : accountUrl
      ? new BlobServiceClient(accountUrl, new DefaultAzureCredential(), options)
      : undefined;
  if (!service) {
    throw new WorkerError(
      'storage_unavailable',
      'No storage is configured. Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_URL for managed identity.',
    );
  }
  const client = service.getContainerClient(config.container);
  opened = { key, client };
  return client;
}

/**
 * Name of the blob that `uri` addresses in the container. A query (such as a SAS token) is ignored: the worker reads
 * with its own credential, and only from its own container.
 *
 * @throws WorkerError `invalid_request` for any other address.
 */
export function blobNameOf(container: ContainerClient, uri: string): string {
  const base = new URL(`${container.url}/`);
  const given = new URL(uri);
  const name = decodeURIComponent(given.pathname.slice(base.pathname.length));
  const sameHost = localName(given.host) === localName(base.host) && given.protocol === base.protocol;
  if (!sameHost || given.username || given.password || !given.pathname.startsWith(base.pathname) || !name) {
    throw new WorkerError(
      'invalid_request',
      `blob_uri: expected a blob below ${base.origin}${base.pathname}, got ${given.origin}${given.pathname}.`,
    );
  }
  return name;
}

const localName = (host: string) => host.replace(/^localhost(?=:|$)/, '127.0.0.1');

/** Runs a storage request; its failure becomes a `WorkerError` that tells people what happened. */
export async function storageCall<T>(blobName: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw storageError(error, blobName);
  }
}

function storageError(error: unknown, blobName: string): unknown {
  if (!(error instanceof RestError)) return error;
  const cause = { cause: error };
  if (error.statusCode === 404)
    return new WorkerError('blob_not_found', `There is no blob '${blobName}' in the container.`, cause);
  if (error.statusCode === 412) {
    return new WorkerError(
      'blob_changed',
      `The blob '${blobName}' was replaced or removed while it was being analysed.`,
      cause,
    );
  }
  const what = error.statusCode ? `status ${error.statusCode} (${error.code ?? 'no code'})` : error.message;
  return new WorkerError(
    'storage_unavailable',
    `The storage answered ${what} for the blob '${blobName}'.`,
    cause,
  );
}

/** Writes a JSON document. */
export async function writeJson(
  container: ContainerClient,
  blobName: string,
  document: unknown,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(document));
  const options = { blobHTTPHeaders: { blobContentType: 'application/json' } };
  await storageCall(blobName, () => container.getBlockBlobClient(blobName).uploadData(body, options));
}

/** Reads a JSON document; `undefined` where there is none. */
export async function readJson<T>(container: ContainerClient, blobName: string): Promise<T | undefined> {
  try {
    const body = await container.getBlobClient(blobName).downloadToBuffer();
    return JSON.parse(body.toString('utf8')) as T;
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 404) return undefined;
    throw storageError(error, blobName);
  }
}

/** A blob's bytes, of exactly the version `etag`. */
export async function openBlob(
  container: ContainerClient,
  blobName: string,
  etag: string,
): Promise<Readable> {
  const answer = await storageCall(blobName, () =>
    container
      .getBlobClient(blobName)
      .download(0, undefined, { conditions: { ifMatch: etag }, maxRetryRequests: MAX_TRIES }),
  );
  if (!answer.readableStreamBody)
    throw new WorkerError('storage_unavailable', `The blob '${blobName}' gave no body.`);
  return Readable.from(answer.readableStreamBody);
}
