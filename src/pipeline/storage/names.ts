import { createHash } from 'node:crypto';
import { extname } from 'node:path/posix';

/** Endings of blobs that an upload analyses by itself. */
const AUDIO_ENDINGS = new Set([
  '.mp3',
  '.wav',
  '.flac',
  '.ogg',
  '.oga',
  '.opus',
  '.m4a',
  '.mp4',
  '.aac',
  '.aif',
  '.aiff',
  '.aifc',
  '.wma',
  '.webm',
]);

/** Where a song's outputs lie in the container. */
export const stemBlob = (id: string, stem: string) => `${id}/stems/${stem}.wav`;
export const jamsBlob = (id: string) => `${id}/analysis/annotation.jams`;
export const resultBlob = (id: string) => `${id}/analysis/result.json`;
/** Blobs that pass between stages; `cleanup` removes them. */
export const workPrefix = (id: string) => `${id}/work/`;
export const analysisWorkBlob = (id: string, run: string) => `${workPrefix(id)}${run}.analysis.json`;
export const jamsWorkBlob = (id: string, run: string) => `${workPrefix(id)}${run}.jams`;
/** A stem's copy for the chords. Its name is the same in every run of a song, so that a run replaces what one before it has left staged. */
export const monoCopyWorkBlob = (id: string, stem: string) => `${workPrefix(id)}${stem}.mono`;
/** Stands there while a run is asked to leave off. */
export const cancelWorkBlob = (id: string) => `${workPrefix(id)}cancel.json`;
/** The run to start once the one that is under way has left off. */
export const nextWorkBlob = (id: string) => `${workPrefix(id)}next.json`;
/** How to bring the earlier result back; stands there while a new one takes its place. */
export const publicationWorkBlob = (id: string) => `${workPrefix(id)}publication.json`;
export const callbackWorkBlob = (id: string) => `${workPrefix(id)}callback.json`;

/** Whether a blob put into the container is a song to analyse: an audio file, and none of the worker's own outputs. */
export function isSong(blobName: string): boolean {
  return (
    AUDIO_ENDINGS.has(extname(blobName).toLowerCase()) && !/^[^/]+\/(stems|analysis|work)\//.test(blobName)
  );
}

/**
 * The `audio_file_id` of a song that was uploaded without a request: the folder of `{audio_file_id}/{file}`, else the
 * file's name without its ending. Characters that an id can't hold become `-`, and a hash keeps such names apart.
 */
export function idOfBlob(blobName: string): string {
  const folder = blobName.split('/');
  const name =
    folder.length === 2 ? folder[0] : blobName.slice(0, blobName.length - extname(blobName).length);
  const plain = name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^\.+/, '')
    .slice(0, 96);
  if (plain === name) return plain;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${plain}-${hash}`;
}
