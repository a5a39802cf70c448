import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ResultDocument } from '../pipeline/contracts.ts';

/** Written last, and names what lies beside it. */
export const RESULT = 'result.json';
export const ANNOTATION = 'annotation.jams';
/** New files grow in here; what an interruption leaves of it goes with the next run. */
const STAGING = '.partial';
/** Where the earlier result waits while its files are replaced: should that be interrupted, they are still known. */
const EARLIER = 'earlier.json';
/** No stem's name leads out of its folder. */
const STEM = /^\w[\w-]*$/;

/** A file to come: its path below the folder, with slashes, and what writes it. */
export interface NewFile {
  readonly path: string;
  write(target: string): Promise<void>;
}

/** Path of a stem below its song's folder. */
export const stemPath = (stem: string): string => `stems/${stem}.wav`;

/** The result with local files in place of blobs, as `pathOf` names them, and the song that it is of. */
export function localResult(result: ResultDocument, song: string, pathOf: (path: string) => string) {
  return {
    ...result,
    stems: result.stems.map((stem) => ({ ...stem, blob_url: pathOf(stemPath(stem.stem_type)) })),
    jams_url: pathOf(ANNOTATION),
    source: { ...result.source, file: resolve(song) },
  };
}

/**
 * Replaces the results in `folder` by new ones. Until all of them are written, the earlier ones stay as they are; then
 * those go that the earlier result names and the new one doesn't. Other files in the folder are somebody else's.
 */
export async function replaceResults(
  folder: string,
  files: readonly NewFile[],
  result: object,
): Promise<void> {
  const staging = join(folder, STAGING);
  const interrupted = [
    ...(await stemsNamedBy(join(staging, EARLIER))),
    ...(await stemsNamedBy(join(staging, RESULT))),
  ];
  await rm(staging, { recursive: true, force: true });
  try {
    for (const { path, write } of files) {
      await mkdir(dirname(join(staging, path)), { recursive: true });
      await write(join(staging, path));
    }
    await writeFile(join(staging, RESULT), `${JSON.stringify(result, null, 2)}\n`);
    for (const { path } of files) await mkdir(dirname(join(folder, path)), { recursive: true });

    const earlier = [...interrupted, ...(await stemsNamedBy(join(folder, RESULT)))].map(stemPath);
    await rename(join(folder, RESULT), join(staging, EARLIER)).catch(ignoreMissing);
    const paths = files.map(({ path }) => path);
    for (const path of earlier) if (!paths.includes(path)) await rm(join(folder, path), { force: true });
    for (const path of [...paths, RESULT]) await rename(join(staging, path), join(folder, path));
  } finally {
    await rm(staging, { recursive: true, force: true });
    await rmdir(folder).catch(() => {}); // One that stayed empty is not left behind.
  }
}

/** The stems that a result of ours names; none where there is no such file, or one of somebody else. */
async function stemsNamedBy(path: string): Promise<string[]> {
  try {
    const { stems } = JSON.parse(await readFile(path, 'utf8')) as Partial<ResultDocument>;
    return (stems ?? []).map(({ stem_type }) => stem_type).filter((stem) => STEM.test(stem));
  } catch {
    return [];
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
