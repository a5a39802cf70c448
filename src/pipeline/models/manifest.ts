import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { WorkerError } from '../errors.ts';

const FILE = new URL('../../../models/manifest.json', import.meta.url);
/** What a model may be called, released or one's own; it names a folder. */
export const MODEL_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** The authors name their files by experiment and by the start of the file's SHA-256. */
const RELEASED_NAME = /^[0-9a-f]{8}-[0-9a-f]{8}\.th$/;
const CHECKSUM_IN_NAME = /-([0-9a-f]{8})\.th$/;

const stems = z.array(z.string().min(1)).min(1);

const network = z
  .strictObject({
    file: z.string().regex(RELEASED_NAME, 'expected xxxxxxxx-xxxxxxxx.th in hex digits'),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
    bytes: z.int().positive(),
    stems,
  })
  .refine(({ file, sha256 }) => hasChecksumOfName(file, sha256), {
    path: ['sha256'],
    error: "differs from the checksum in the file's name",
  });

const model = z
  .strictObject({
    name: z.string().regex(MODEL_NAME, `expected ${MODEL_NAME.source}`),
    stems,
    /** Empty for a separator without weights. */
    networks: z.array(network),
    licence: z.string().min(1),
    citation: z.string().min(1),
  })
  .refine(({ stems, networks }) => networks.length === 0 || sameStems(stems, networks), {
    path: ['networks'],
    error: "their stems together are not the model's in its order",
  });

const manifest = z.strictObject({
  /** Folder that the released files are fetched from. */
  address: z.url({ protocol: /^https$/ }),
  models: z.array(model).superRefine((models, context) => {
    for (const [i, { name }] of models.entries())
      if (models.findIndex((other) => other.name === name) < i)
        context.addIssue({ code: 'custom', path: [i, 'name'], message: `'${name}' stands there twice` });
  }),
});

export type Manifest = z.infer<typeof manifest>;
/** A model as it was released: its name, its stems in the order of the results, and the networks that give them. */
export type ModelEntry = Manifest['models'][number];
/** One network: its file at the authors' address (bytes, SHA-256 in hex) and the stems that are taken from it. */
export type NetworkEntry = ModelEntry['networks'][number];

/** @throws WorkerError `internal` that names the field that is wrong. */
export function parseManifest(content: unknown): Manifest {
  const parsed = manifest.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw new WorkerError('internal', `models/manifest.json: ${z.core.toDotPath(path)}: ${message}.`);
}

/** Whether a file that is named as the released ones are has the content that its name promises; others always do. */
export function hasChecksumOfName(file: string, sha256: string): boolean {
  return !RELEASED_NAME.test(file) || sha256.startsWith(CHECKSUM_IN_NAME.exec(file)![1]);
}

function sameStems(expected: readonly string[], networks: readonly { stems: string[] }[]): boolean {
  return expected.join() === networks.flatMap((each) => each.stems).join();
}

const { models, address } = parseManifest(JSON.parse(readFileSync(FILE, 'utf8')));

/** The models that are known by name, in the manifest's order. */
export const MODELS: readonly ModelEntry[] = models;
export const MODEL_NAMES: readonly string[] = MODELS.map(({ name }) => name);
/** Where the authors' files lie, with a slash at the end or without. */
export const ADDRESS = address;

export const modelEntry = (name: string): ModelEntry | undefined =>
  MODELS.find((entry) => entry.name === name);
