import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Converter } from '../../../src/pipeline/models/build.ts';
import { type CheckpointFile, checkpointFile } from '../../../src/pipeline/models/checkpoint-file.ts';

/** A made-up checkpoint: a text file with the names of its sources, for `convertText`. */
export async function aCheckpoint(folder: string, file: string, sources: string): Promise<CheckpointFile> {
  const path = join(folder, file);
  writeFileSync(path, sources);
  return await checkpointFile(path);
}

/** Stands for the converter: takes a text file with the names of sources. */
export const convertText: Converter = async (path, folder) => {
  const sources = (await readFile(path, 'utf8')).split(' ');
  const files = await Promise.all(
    ['graph.onnx', 'weights.bin'].map(async (name) => {
      const content = `${name} of ${sources}`;
      await writeFile(join(folder, name), content);
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { name, bytes: content.length, sha256 };
    }),
  );
  return { sources, segment_frames: 343_980, nfft: 4096, files };
};
