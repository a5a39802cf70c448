import type { Input } from '../decoder/command.ts';
import { FileWindow } from './file-window.ts';
import { declaresFlacChannels } from './flac.ts';
import { refuseOtherKinds } from './kind.ts';
import { editEnd } from './mp4.ts';
import { readOgg } from './ogg.ts';
import { repairLength } from './repair.ts';
import { endOfSound } from './tags.ts';

/** A file that is decoded at once: the whole song or one of its parts. */
export interface SourcePart extends Input {
  /** Time of the part at which its sound ends, in seconds, where it says so itself. */
  readonly endTime?: number;
}

/** A song's file as the decoder gets it. */
export interface PreparedSource {
  /** What is to be decoded, one after the other. */
  readonly parts: readonly SourcePart[];
  /** The file itself shows that something is missing. */
  readonly isDamaged: boolean;
  /** Whether the file names its channels, where its format doesn't oblige it to. */
  readonly declaresChannels: boolean;
  /** Whether tags or zeros follow the sound. */
  readonly hasTrailer: boolean;
}

/** More parts than this are decoded as one: each takes a process. */
const MAX_PARTS = 100;

/**
 * Looks at a file before it is decoded: what a decoder would take for sound, leave out or get wrong is told it here.
 *
 * @param copy Path for a corrected copy; whoever calls removes it.
 * @throws WorkerError `unsupported_media` or `disk_full`.
 */
export async function prepareSource(
  path: string,
  copy: string,
  minFreeDiskBytes: number,
): Promise<PreparedSource> {
  await using file = await FileWindow.open(path);
  await refuseOtherKinds(file);
  const declaresChannels = await declaresFlacChannels(file);
  const hasTrailer = (await endOfSound(file)) < file.size;
  if ((await file.text(0, 4)) === 'OggS') {
    const { links, isDamaged } = await readOgg(file);
    const parts =
      links.length === 1 || links.length > MAX_PARTS
        ? [{ path, endTime: links.length === 1 ? links[0].endTime : undefined }]
        : links.map(({ start, end, endTime }) => ({ path, range: { start, end }, endTime }));
    return { parts, isDamaged, declaresChannels, hasTrailer };
  }
  const repair = await repairLength(file, path, copy, minFreeDiskBytes);
  const endTime = await editEnd(file);
  return {
    parts: [{ path: repair.path ?? path, endTime }],
    isDamaged: repair.isCutOff,
    declaresChannels,
    hasTrailer,
  };
}
