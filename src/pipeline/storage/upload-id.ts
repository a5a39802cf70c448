import { createHash } from 'node:crypto';
import { MAX_ID } from '../contracts.ts';

/** Endings of blobs that an upload analyses by itself: whatever the decoder may find sound in. */
export const AUDIO_ENDINGS: ReadonlySet<string> = new Set(
  `mp3 mp2 mpga wav wave w64 rf64 bwf flac ogg oga opus spx m4a m4b mp4 m4v mov aac adts aif aiff aifc au snd caf wma asf
   wmv webm weba mka mkv ogv ogx tta wv ape tak mpc dts ac3 eac3 ec3 amr awb 3gp 3ga 3g2 avi ts mts m2ts mpg mpeg vob flv`
    .split(/\s+/)
    .map((ending) => `.${ending}`),
);

/** An id of .NET's `Guid.NewGuid()`. */
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Hex digits of the hash in an id: with the readable part beside it, no two songs of a container share one by chance. */
const HASH_DIGITS = 10;

/** Whether a blob's name ends as those of audio files do. A file named `.wav` is one too. */
export const isAudioName = (blobName: string): boolean => AUDIO_ENDINGS.has(endingOf(blobName));

/** From the last dot of a name's last segment on, in lower case; empty where there is none. */
function endingOf(blobName: string): string {
  const file = blobName.slice(blobName.lastIndexOf('/') + 1);
  const dot = file.lastIndexOf('.');
  return dot < 0 ? '' : file.slice(dot).toLowerCase();
}

/**
 * The `audio_file_id` of a song that was uploaded without a request, from its whole path: what can be read of it and a
 * hash, so that no two paths share an id, also where letter case doesn't count. `{guid}.mp3` at the root is `guid`.
 */
export function idOfBlob(blobName: string): string {
  const name = blobName.slice(0, blobName.length - endingOf(blobName).length);
  if (GUID.test(name)) return name;
  const hash = createHash('sha256').update(blobName).digest('hex').slice(0, HASH_DIGITS);
  const readable = name
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, MAX_ID - HASH_DIGITS - 1)
    .replace(/[.-]+$/, '');
  return `${readable || 'song'}-${hash}`;
}

/** The id that a name shows itself: the folder of `{id}/song.mp3`, the file's name of `id.mp3`; if there is one. */
export function idShownBy(blobName: string): string | undefined {
  const [first, file, ...more] = blobName.split('/');
  if (more.length > 0) return undefined;
  return file === undefined ? first.slice(0, first.length - endingOf(first).length) : first;
}
