import { copyFile, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ensureSpace } from '../disk-space.ts';
import { type SampleChunk, sampleChunk } from './chunks.ts';
import type { FileWindow } from './file-window.ts';

/** Fewer bytes behind the samples than this are no sound: programs leave some. */
const MIN_SURPLUS_BYTES = 1024;
/** How much of the surplus is looked at for whether it is silence. */
const LOOK_BYTES = 1 << 20;
/** Where chunks behind the samples are looked for. */
const TRAILER_BYTES = 1 << 16;
const CHUNK_NAME = /^[ -~]{4}$/;

export interface Repair {
  /** The file holds fewer samples than it tells of. */
  readonly isCutOff: boolean;
  /** A copy of it that tells all the samples it holds, where it tells too few: a recorder that died leaves such a file. */
  readonly path?: string;
}

/** Compares what a file of samples tells of its length with what it holds; `copy` is where a corrected one goes. */
export async function repairLength(
  file: FileWindow,
  path: string,
  copy: string,
  minFreeDiskBytes: number,
): Promise<Repair> {
  const chunk = await sampleChunk(file);
  if (!chunk || chunk.end === undefined || chunk.start >= file.size) return { isCutOff: false };
  if (chunk.end > file.size) return { isCutOff: true };
  if (!(await isSound(file, chunk.end))) return { isCutOff: false };
  await ensureSpace(dirname(copy), file.size, minFreeDiskBytes);
  await copyFile(path, copy);
  await correct(copy, chunk, await endOfSamples(file, chunk.end));
  return { isCutOff: false, path: copy };
}

async function correct(path: string, chunk: SampleChunk, end: number): Promise<void> {
  await using file = await open(path, 'r+');
  for (const { at, bytes } of chunk.correct(end - chunk.start)) await file.write(bytes, 0, bytes.length, at);
}

/** Where chunks begin behind the samples that reach to the file's end; without any, the file's end. */
async function endOfSamples(file: FileWindow, from: number): Promise<number> {
  const start = Math.max(from, file.size - TRAILER_BYTES);
  const tail = Buffer.from(await file.bytes(start, TRAILER_BYTES));
  for (let at = 0; at + 8 <= tail.length; at++) if (reachesEnd(tail, at)) return start + at;
  return file.size;
}

function reachesEnd(bytes: Buffer, from: number): boolean {
  for (let at = from; at + 8 <= bytes.length; ) {
    if (!CHUNK_NAME.test(bytes.toString('latin1', at, at + 4))) return false;
    const length = bytes.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
    if (at === bytes.length || at === bytes.length + 1) return true;
  }
  return false;
}

/** Whether what follows the samples that a file tells of is more of them: not chunks, not tags, not zeros. */
async function isSound(file: FileWindow, end: number): Promise<boolean> {
  if (file.size - end < MIN_SURPLUS_BYTES) return false;
  for (const at of [end, end + (end % 2)]) {
    const head = await file.bytes(at, 8);
    const name = head.toString('latin1', 0, 4);
    if (/^(TAG|ID3|APET|LYRI)/.test(name)) return false;
    const length = Math.min(head.readUInt32LE(4), head.readUInt32BE(4));
    if (CHUNK_NAME.test(name) && length <= file.size - at - 8) return false;
  }
  return (await file.bytes(end, LOOK_BYTES)).some((byte) => byte !== 0);
}
