/** The snapshots that hold an earlier result while a new one takes its place. */
import type { ContainerClient } from '@azure/storage-blob';
import { allSettled } from '../all-settled.ts';
import { readPieces } from '../storage/container.ts';
import { storageCall } from '../storage/requests.ts';
import { headersOf } from '../storage/staged-blob.ts';
import type { SecuredFile } from './record.ts';

/** Metadata that tells the worker's own snapshots from others'. */
export const SNAPSHOT_MARK = 'earlierresult';
/** Stands in ids of blocks in the place of a run's identity, and is as long. */
const RESTORED = 'restored-content';
/** Width of the index in a block id. */
const INDEX_DIGITS = 6;

/** Writes the content of a snapshot into its blob. Returns the new ETag. */
export async function restore(
  container: ContainerClient,
  { name, snapshot }: SecuredFile & { readonly snapshot: string },
): Promise<string> {
  const blob = container.getBlockBlobClient(name);
  const held = blob.withSnapshot(snapshot);
  const properties = await storageCall(name, (options) => held.getProperties(options));
  // Read and staged again rather than copied by the storage, which would want to be shown a right to the source.
  const ids: string[] = [];
  for await (const piece of readPieces(held, properties.contentLength ?? 0)) {
    const id = Buffer.from(`${RESTORED}-${String(ids.length).padStart(INDEX_DIGITS, '0')}`).toString(
      'base64',
    );
    await storageCall(name, (options) => blob.stageBlock(id, piece, piece.length, options));
    ids.push(id);
  }
  const { [SNAPSHOT_MARK]: _, ...metadata } = properties.metadata ?? {};
  const described = { blobHTTPHeaders: headersOf(properties), metadata };
  const { etag } = await storageCall(name, (options) =>
    blob.commitBlockList(ids, { ...options, ...described }),
  );
  return etag ?? '';
}

/** Removes the worker's snapshots of a song's results, those included that no record knows of. */
export async function removeSnapshots(container: ContainerClient, audioFileId: string): Promise<void> {
  const found = await storageCall(audioFileId, async (options) => {
    const snapshots: { name: string; snapshot: string }[] = [];
    const listing = { ...options, prefix: `${audioFileId}/`, includeSnapshots: true, includeMetadata: true };
    for await (const { name, snapshot, metadata } of container.listBlobsFlat(listing))
      if (snapshot && metadata?.[SNAPSHOT_MARK]) snapshots.push({ name, snapshot });
    return snapshots;
  });
  await allSettled(
    found.map(({ name, snapshot }) =>
      storageCall(name, (options) =>
        container.getBlobClient(name).withSnapshot(snapshot).deleteIfExists(options),
      ),
    ),
  );
}
