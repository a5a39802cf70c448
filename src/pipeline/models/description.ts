import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MODEL_NAME } from './manifest.ts';

/** The file that tells what a model's folder holds. */
const MODEL_FILE = 'model.json';
/**
 * Another number for every change to what is installed: the files, or how a network is built and quantized. A model of
 * another number is refused, for what a song's stems are made with must not depend on when a machine got its model.
 */
export const MODEL_FORMAT = 2;

const names = z.array(z.string().min(1)).min(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const description = z.strictObject({
  format: z.literal(MODEL_FORMAT, `expected ${MODEL_FORMAT}: another version of this program installed it`),
  name: z.string().regex(MODEL_NAME),
  networks: z
    .array(
      z.strictObject({
        folder: z.string().regex(/^[1-9]\d*$/),
        checkpoint: z.strictObject({ file: z.string(), sha256, bytes: z.int().positive() }),
        released: z.boolean(),
        stems: names,
        sources: names,
        segment_frames: z.int().positive(),
        nfft: z.int().positive(),
        files: z
          .array(
            z.strictObject({ name: z.string().regex(/^\w[\w.-]*$/), bytes: z.int().nonnegative(), sha256 }),
          )
          .min(1),
      }),
    )
    .min(1),
});

/** What `model.json` says. */
export type ModelDescription = z.infer<typeof description>;

/**
 * One network of an installed model: the checkpoint that it was converted from and whether that is the released one,
 * the stems that are taken from it, the sources that it gives (in its output's order), the frames of its segment at
 * 44.1 kHz, the samples of its spectra's window, and its files.
 */
export type InstalledNetwork = ModelDescription['networks'][number];

/** @throws Error that tells which file cannot be read, or which of its fields is wrong. */
export function readDescription(folder: string): ModelDescription {
  const path = join(folder, MODEL_FILE);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Error(`${path} cannot be read (${cause instanceof Error ? cause.message : cause})`, { cause });
  }
  const parsed = description.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path: field, message } = parsed.error.issues[0];
  throw new Error(`${path} is wrong at '${z.core.toDotPath(field)}' (${message})`);
}

/** Describes the model that `networks` make up, in the folder that holds their folders. */
export async function writeDescription(
  folder: string,
  name: string,
  networks: readonly InstalledNetwork[],
): Promise<void> {
  const content = { format: MODEL_FORMAT, name, networks: [...networks] } satisfies ModelDescription;
  await writeFile(join(folder, MODEL_FILE), `${JSON.stringify(content, null, 2)}\n`);
}
