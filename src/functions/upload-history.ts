import type { DurableClient } from 'durable-functions';
import {
  audioFileId,
  type JobInput,
  type Progress,
  type ResultDocument,
  type SongRequest,
} from '../pipeline/contracts.ts';
import { isComplement } from '../pipeline/separation/complement.ts';
import { requestCancel } from '../pipeline/stages/cancel.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { notedVersion, requestOf } from '../pipeline/stages/song-version.ts';
import { hasContentOf, type ToldVersion } from '../pipeline/storage/blob-version.ts';
import { readJson, writeJson } from '../pipeline/storage/container.ts';
import { askedIdBlob, resultBlob } from '../pipeline/storage/names.ts';
import { idOfBlob, idShownBy } from '../pipeline/storage/upload-id.ts';
import { asksOtherSettings } from './settings-asked.ts';
import { endVersion, instanceStatus, PUBLISHED, UNDER_WAY } from './start.ts';

/** The last request for a blob that a run of `id` has dealt with or deals with, however that ended; undefined without one. */
async function lastRequest(
  client: DurableClient,
  id: string,
  blobName: string,
  context: StageContext,
): Promise<SongRequest | undefined> {
  const instance = await instanceStatus(client, id);
  const job = instance?.input as JobInput | null | undefined;
  if (job?.blob_name === blobName)
    return requestOf(job, endVersion(instance!) ?? (await notedVersion(id, context)));
  const earlier = job?.earlier?.find(({ blob_name }) => blob_name === blobName);
  if (earlier) return earlier;
  const result = await readJson<ResultDocument>(context.container, resultBlob(id));
  if (result?.source.blob_name !== blobName) return undefined;
  const { etag, size_bytes, sha256 } = result.source;
  const stems = result.stems.map(({ stem_type }) => stem_type).filter((stem) => !isComplement(stem));
  return { blob_name: blobName, etag, size_bytes, sha256, model: result.separator.requested, stems };
}

/**
 * Whether what an upload asks for is being done or was, however that ended: a request may be faster than the news of its
 * upload, news may come twice, and a blob's new metadata is news too. What was called off must not begin again by them.
 */
export async function hadItsRun(
  client: DurableClient,
  id: string,
  upload: ToldVersion & SongRequest,
  context: StageContext,
): Promise<boolean> {
  const last = await lastRequest(client, id, upload.blob_name, context);
  if (!last || asksOtherSettings(upload, last, context.config)) return false;
  return await hasContentOf(context.container, last, upload);
}

/**
 * The id of an upload that names none: the one that the blob's name shows where a request has had this very blob analysed
 * under that, the one that earlier metadata asked for where this content had its run so, else the one of its whole path.
 */
export async function idOfUpload(
  client: DurableClient,
  upload: ToldVersion & SongRequest,
  context: StageContext,
): Promise<string> {
  const { blob_name } = upload;
  const shown = shownId(blob_name);
  if (shown && (await lastRequest(client, shown, blob_name, context))) return shown;
  const asked = await askedId(blob_name, context.container);
  return asked && (await hadItsRun(client, asked, upload, context)) ? asked : idOfBlob(blob_name);
}

/**
 * Notes the id that an upload's metadata asks for, where its name doesn't show it: whoever sets other metadata later, and
 * drops that, should not have the song analysed under a second id.
 */
export async function noteAskedId(blobName: string, id: string, { container }: StageContext): Promise<void> {
  const own = idOfBlob(blobName);
  if (id === own || id === idShownBy(blobName) || (await askedId(blobName, container)) === id) return;
  await writeJson(container, askedIdBlob(own), { audio_file_id: id });
}

async function askedId(blobName: string, container: StageContext['container']): Promise<string | undefined> {
  const noted = await readJson<{ audio_file_id: string }>(container, askedIdBlob(idOfBlob(blobName)));
  return noted?.audio_file_id;
}

/** The id that a blob's name shows, where that is one and not the upload's own. */
function shownId(blobName: string): string | undefined {
  const shown = idShownBy(blobName);
  return audioFileId.safeParse(shown).success && shown !== idOfBlob(blobName) ? shown : undefined;
}

/**
 * Calls the run off that an upload began by itself where a request has the same blob analysed under the id that its name
 * shows, so that the work is not done twice. Returns whether it did.
 */
export async function endDoubleRun(
  client: DurableClient,
  blobName: string,
  context: StageContext,
): Promise<boolean> {
  const shown = shownId(blobName);
  const isRequested = shown && (await workOn(client, shown, blobName, 'request'));
  const id = idOfBlob(blobName);
  if (!isRequested || !(await workOn(client, id, blobName, 'upload'))) return false;
  const message = `The blob '${blobName}' is analysed as '${shown}', which somebody asked for.`;
  await requestCancel(id, { code: 'canceled', message }, context);
  return true;
}

/** Whether a run of `id` that came of an upload or a request works on the blob and has published nothing yet. */
async function workOn(
  client: DurableClient,
  id: string,
  blobName: string,
  origin: JobInput['origin'],
): Promise<boolean> {
  const instance = await instanceStatus(client, id);
  const job = instance?.input as JobInput | null | undefined;
  if (!instance || job?.blob_name !== blobName || job.origin !== origin) return false;
  const { stage } = (instance.customStatus ?? {}) as Partial<Progress>;
  return UNDER_WAY.has(instance.runtimeStatus) && !PUBLISHED.has(stage);
}
