import type { BlobVersion, JobInput, SongRequest } from '../contracts.ts';
import { contentHash, haveSameContent, type ToldVersion } from '../storage/blob-version.ts';
import { readJson, writeJson } from '../storage/container.ts';
import { versionWorkBlob } from '../storage/names.ts';
import type { StageContext } from './context.ts';

/** Songs of one id whose last version is remembered. */
const MAX_EARLIER = 20;

/** Notes which content a run works on, for whoever hears of the blob meanwhile and afterwards. */
export async function noteVersion(
  audioFileId: string,
  { blob_name, etag, size_bytes, content_md5, sha256 }: BlobVersion,
  { container }: Pick<StageContext, 'container'>,
): Promise<void> {
  await writeJson(container, versionWorkBlob(audioFileId), {
    blob_name,
    etag,
    size_bytes,
    content_md5,
    sha256,
  } satisfies BlobVersion);
}

/** `noteVersion` of a song that could not be decoded. That it isn't noted is no reason to fail differently. */
export async function noteUnreadable(
  audioFileId: string,
  version: ToldVersion,
  context: StageContext,
): Promise<void> {
  try {
    const sha256 = version.content_md5 ? undefined : await contentHash(context.container, version);
    await noteVersion(audioFileId, { ...version, sha256 }, context);
  } catch (error) {
    context.log?.(`What the blob of '${audioFileId}' held could not be noted: ${(error as Error).message}`);
  }
}

/** What `noteVersion` has noted of the run that is under way; undefined until it has read the song. */
export async function notedVersion(
  audioFileId: string,
  { container }: Pick<StageContext, 'container'>,
): Promise<BlobVersion | undefined> {
  return await readJson<BlobVersion>(container, versionWorkBlob(audioFileId));
}

/** A job's song and settings, with what is known of the version in the end. */
export function requestOf(job: JobInput, version: BlobVersion | undefined): SongRequest {
  const { blob_name, etag, size_bytes, content_md5, model, stems } = job;
  // A note that an earlier run has left, or of another content, says nothing of this one.
  const isOfJob = version?.blob_name === blob_name && haveSameContent(job, version) !== false;
  const known = isOfJob ? version : { etag, size_bytes, content_md5, sha256: undefined };
  return {
    blob_name,
    etag: known.etag,
    size_bytes: known.size_bytes,
    content_md5: known.content_md5,
    sha256: known.sha256,
    model,
    stems,
  };
}

/** What a run that comes after `last` is to remember, so that news of an older song of its id starts nothing again. */
export function earlierAfter(
  last: JobInput,
  version: BlobVersion | undefined,
  next: Pick<JobInput, 'blob_name'>,
): SongRequest[] {
  const before = (last.earlier ?? []).filter(({ blob_name }) => blob_name !== last.blob_name);
  return [requestOf(last, version), ...before]
    .filter(({ blob_name }) => blob_name !== next.blob_name)
    .slice(0, MAX_EARLIER);
}
