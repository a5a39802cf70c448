import type { FileWindow } from './file-window.ts';

const LAST_BLOCK = 0x80;
const VORBIS_COMMENT = 4;
const MAX_COMMENT_BYTES = 1 << 24;

/** Whether a FLAC file names the places of its channels; without that, they follow from their number (RFC 9639, 8.6.2). */
export async function declaresFlacChannels(file: FileWindow): Promise<boolean> {
  if ((await file.text(0, 4)) !== 'fLaC') return false;
  for (let at = 4; at + 4 <= file.size; ) {
    const head = await file.bytes(at, 4);
    const [type, length] = [head[0], head.readUIntBE(1, 3)];
    if ((type & 0x7f) === VORBIS_COMMENT)
      return /WAVEFORMATEXTENSIBLE_CHANNEL_MASK=/i.test(
        await file.text(at + 4, Math.min(length, MAX_COMMENT_BYTES)),
      );
    if (type & LAST_BLOCK) return false;
    at += 4 + length;
  }
  return false;
}
