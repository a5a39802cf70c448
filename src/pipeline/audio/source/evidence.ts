import { notMusic } from '../probe.ts';
import { FileWindow } from './file-window.ts';
import { FRAME_HEADERS, HEADER_BYTES, isFreeFormat } from './frame-headers.ts';
import { scanFrames } from './frame-scan.ts';
import { tagAt } from './tags.ts';

/** In other data a few frames in a row are found by chance, never so many. */
const MIN_RUN = 4;
/** Sound that is less of a file than this share is by chance there, or not the point of it. */
const MIN_SHARE = 0.25;

/** A file of frames such as an mp3. */
export interface FrameFile {
  /** Frames, tags and padding from beginning to end: the decoder has complained of no sound. */
  readonly isWhole: boolean;
  /** The file ends within a frame. */
  readonly isCut: boolean;
  /** Where the sound ends, in bytes, and tags or anything else begin. */
  readonly end: number;
}

/**
 * What a file of frames consists of; `undefined` for formats that show it otherwise. ffmpeg takes any data for such a file
 * in which it finds the one or other frame.
 *
 * @param format ffmpeg's name of the format that it took the file for.
 * @throws WorkerError `unsupported_media` for what isn't one.
 */
export async function framesOf(path: string, format: string): Promise<FrameFile | undefined> {
  const readHeader = FRAME_HEADERS[format];
  if (!readHeader) return undefined;
  await using file = await FileWindow.open(path);
  if (format === 'mp3' && isFreeFormat(await file.bytes(await tagAt(file, 0), HEADER_BYTES), 0))
    return undefined;
  const scan = await scanFrames(file, readHeader);
  const { longestRun, share, isWhole } = scan;
  if (longestRun === 0 || (!isWhole && (longestRun < MIN_RUN || share < MIN_SHARE))) {
    throw notMusic(
      'it is not audio: hardly anything in it can be heard',
      `${longestRun} frames of ${format} in a row, ${share} of the file`,
    );
  }
  return scan;
}
