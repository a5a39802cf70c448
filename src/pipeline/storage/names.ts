import { CHORD_STEMS } from '../separation/stem-names.ts';

/** Where a song's outputs lie in the container. */
export const stemBlob = (id: string, stem: string) => `${id}/stems/${stem}.wav`;
export const jamsBlob = (id: string) => `${id}/analysis/annotation.jams`;
export const resultBlob = (id: string) => `${id}/analysis/result.json`;
/** Under the id that an upload would have had by its path: the one that its metadata asked for. */
export const askedIdBlob = (pathId: string) => `${pathId}/analysis/asked-id.json`;
/** Blobs that pass between stages; `cleanup` removes those that `isWorkBlob` knows. */
export const workPrefix = (id: string) => `${id}/work/`;
export const analysisWorkBlob = (id: string, run: string) => `${workPrefix(id)}${run}.analysis.json`;
export const jamsWorkBlob = (id: string, run: string) => `${workPrefix(id)}${run}.jams`;
/** Claim and progress of a run's late stages. */
export const lateWorkBlob = (id: string, run: string) => `${workPrefix(id)}${run}.late.json`;
/** A stem's copy for the chords. Its name is the same in every run of a song, so that a run replaces what one before it has left staged. */
export const monoCopyWorkBlob = (id: string, stem: string) => `${workPrefix(id)}${stem}.mono`;
/** Stands there while a run is asked to leave off. */
export const cancelWorkBlob = (id: string) => `${workPrefix(id)}cancel.json`;
/** How to bring the earlier result back; stands there while a new one takes its place, and goes once it does. */
export const publicationWorkBlob = (id: string) => `${workPrefix(id)}publication.json`;
export const callbackWorkBlob = (id: string) => `${workPrefix(id)}callback.json`;
/** A message that is still being tried, beyond the end of its run. */
export const heldCallbackBlob = (id: string, messageId: string) =>
  `${workPrefix(id)}callbacks/${messageId}.json`;
/** The version of the song's blob that the run works on. */
export const versionWorkBlob = (id: string) => `${workPrefix(id)}version.json`;
/** The runs that wait for the one under way to end, one for each song's blob; `key` is `queueKey` of it. */
export const queuePrefix = (id: string) => `${workPrefix(id)}queue/`;
export const queueWorkBlob = (id: string, key: string) => `${queuePrefix(id)}${key}.json`;

/** What a run writes below its work prefix, its queue and held callbacks apart. Whatever else lies there is somebody's own. */
const WORK_NAMES = new RegExp(
  `^(?:[0-9a-f]{16}\\.(?:analysis\\.json|late\\.json|jams)|(?:${CHORD_STEMS.join('|')})\\.mono|(?:cancel|callback|version)\\.json)$`,
);

/** Whether a run of `id` has made this blob for itself. */
export function isWorkBlob(id: string, blobName: string): boolean {
  const prefix = workPrefix(id);
  return blobName.startsWith(prefix) && WORK_NAMES.test(blobName.slice(prefix.length));
}

/** Whether a blob lies where runs keep their outputs and work files: nothing there is ever a song to analyse. */
export const isOutput = (blobName: string): boolean => /^[^/]+\/(stems|analysis|work)\//.test(blobName);
