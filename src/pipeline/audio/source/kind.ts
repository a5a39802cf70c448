import { fileTypeFromBuffer } from 'file-type';
import { notMusic } from '../probe.ts';
import type { FileWindow } from './file-window.ts';

const LOOK_BYTES = 8192;
/** Sound by another name than `audio/…` or `video/…`. */
const MEDIA = new Set([
  'application/ogg',
  'application/vnd.ms-asf',
  'application/mxf',
  'application/vnd.rn-realmedia',
]);

/**
 * Refuses what is known to be something else: a decoder finds a frame of mp3 in the machine code of a program.
 *
 * @throws WorkerError `unsupported_media`
 */
export async function refuseOtherKinds(file: FileWindow): Promise<void> {
  const type = await fileTypeFromBuffer(Buffer.from(await file.bytes(0, LOOK_BYTES))).catch(() => undefined);
  if (!type || /^(audio|video)\//.test(type.mime) || MEDIA.has(type.mime)) return;
  const kind = type.mime.startsWith('image/') ? 'a picture' : 'another kind of file';
  throw notMusic(`it is ${kind} (${type.ext}, ${type.mime})`);
}
