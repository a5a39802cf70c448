import { chooseDecoder, type Decoder } from './choose.ts';
import { warningOf } from './version.ts';

/** What people are to know of the decoder. */
export interface DecoderReport {
  /** Version of the ffmpeg that decodes. */
  readonly version: string;
  /** Why it should be replaced, and by what. */
  readonly warning?: string;
}

/** @throws WorkerError `internal` where there is no decoder. */
export async function decoderReport(): Promise<DecoderReport> {
  const { version } = await chooseDecoder();
  return { version, warning: warningOf(version) };
}

const logged = new WeakSet<Decoder>();

/** Says once in this process what decodes. */
export async function logDecoder(log: ((text: string) => void) | undefined): Promise<void> {
  const decoder = await chooseDecoder();
  if (!log || logged.has(decoder)) return;
  logged.add(decoder);
  const { kind, path, version } = decoder;
  const place = kind === 'libav' ? "the package 'node-av'" : path;
  log(`Songs are decoded by ffmpeg ${version} (${place}).`);
  const warning = warningOf(version);
  if (warning) log(`Warning: ${warning}`);
}
