/** A published result as readers are to see it: whole, or not at all. */
import type { ContainerClient } from '@azure/storage-blob';
import type { ResultDocument } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { findBlob, readVersion } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import { filesOf } from './document.ts';
import { lookAt } from './named-file.ts';

/** How often a result is looked at that another takes the place of meanwhile. */
const MAX_TRIES = 3;
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
    const looks = await Promise.all(files.map((file) => lookAt(container, file)));
    // A publication takes the document away first and writes it last: if it still stands, nothing was replaced meanwhile.
    if ((await findBlob(container, name))?.etag !== found.etag) continue;
    const at = looks.findIndex(({ change }) => change !== undefined);
    if (at < 0) return found.document;
    throw new WorkerError(
      'result_changed',
      `The file '${files[at].name}' was ${looks[at].change} after the result was published, which does not fit it any more. Analyse the song again.`,
    );
  }
  return undefined;
}
