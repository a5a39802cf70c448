/** A published result as readers are to see it: whole, or not at all. */
import type { ContainerClient } from '@azure/storage-blob';
import type { ResultDocument } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { findBlob, readVersion } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import { isConflict } from '../storage/requests.ts';
import { sha256OfBlob } from './checksum.ts';
import { filesOf, type NamedFile } from './document.ts';

/** How often a result is looked at that another takes the place of meanwhile. */
const MAX_TRIES = 3;
/** Files whose checksums are remembered. */
const MAX_CHECKSUMS = 1000;

type Change = 'replaced' | 'removed';

/** By container, name and ETag. */
const checksums = new Map<string, Promise<string>>();

/**
 * The result of a song; `undefined` where there is none, or a new one is just being written.
 *
 * @throws WorkerError `result_changed` where one of its files is not the one that was published.
 */
export async function publishedResult(
  container: ContainerClient,
  audioFileId: string,
): Promise<ResultDocument | undefined> {
  const name = resultBlob(audioFileId);
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const found = await readVersion<ResultDocument>(container, name);
    if (!found) return undefined;
    const files = filesOf(found.document);
    const changes = await Promise.all(files.map((file) => changeOf(container, file)));
    // A publication takes the document away first and writes it last: if it still stands, nothing was replaced meanwhile.
    if ((await findBlob(container, name))?.etag !== found.etag) continue;
    const at = changes.findIndex((change) => change !== undefined);
    if (at < 0) return found.document;
    throw new WorkerError(
      'result_changed',
      `The file '${files[at].name}' was ${changes[at]} after the result was published, which does not fit it any more. Analyse the song again.`,
    );
  }
  return undefined;
}

/** What has happened to a file. Other metadata give it another ETag, and leave it what it is. */
async function changeOf(container: ContainerClient, { name, proof }: NamedFile): Promise<Change | undefined> {
  const blob = await findBlob(container, name);
  if (!blob) return 'removed';
  const { etag = '', contentLength: bytes = 0 } = blob;
  if (proof.etag === etag) return undefined;
  if (proof.file_size_bytes !== undefined && proof.file_size_bytes !== bytes) return 'replaced';
  if (proof.etag === undefined) return undefined; // Published before there were proofs.
  if (proof.sha256 === undefined) return 'replaced';
  try {
    return (await checksumOf(container, { name, etag, bytes })) === proof.sha256 ? undefined : 'replaced';
  } catch (error) {
    if (isConflict(error)) return await changeOf(container, { name, proof }); // Changed again while it was read.
    throw error;
  }
}

function checksumOf(
  container: ContainerClient,
  blob: { name: string; etag: string; bytes: number },
): Promise<string> {
  const key = `${container.url}/${blob.name} ${blob.etag}`;
  let checksum = checksums.get(key);
  if (!checksum) {
    checksum = sha256OfBlob(container, blob);
    checksum.catch(() => checksums.delete(key));
    checksums.set(key, checksum);
    const [oldest] = checksums.keys();
    if (checksums.size > MAX_CHECKSUMS) checksums.delete(oldest);
  }
  return checksum;
}
