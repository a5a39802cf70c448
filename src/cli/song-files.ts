/** What can be said of songs and of the folder for their results before anything starts. */
import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** A file that is named twice is analysed once. */
export function distinctFiles(files: readonly string[]): string[] {
  const paths = files.map((file) => resolve(file));
  return files.filter((_, i) => paths.indexOf(paths[i]) === i);
}

/** What is wrong with each of the files, in words. */
export async function fileProblems(files: readonly string[]): Promise<string[]> {
  const problems = await Promise.all(files.map(async (file) => [file, await problemWith(file)]));
  return problems.flatMap(([file, problem]) => (problem ? `${file}: ${problem}` : []));
}

async function problemWith(file: string): Promise<string | undefined> {
  try {
    const about = await stat(file);
    if (about.isDirectory()) return 'that is a folder; name the audio files in it.';
    if (!about.isFile()) return 'that is no ordinary file.';
    if (about.size === 0) return 'the file is empty.';
    await (await open(file)).close();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** What keeps results from being written to the folders `names` below `out`. */
export async function folderProblems(out: string, names: readonly string[]): Promise<string[]> {
  const problem = await folderProblem(out);
  if (problem) return [`--out ${out}: ${problem}`];
  const inside = await Promise.all(names.map(async (name) => [name, await folderProblem(join(out, name))]));
  return inside.flatMap(([name, inner]) => (inner ? `--out ${out}: ${name}: ${inner}` : []));
}

/** A folder that is not there yet is as good as the nearest one above it. */
async function folderProblem(folder: string): Promise<string | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return 'that is a file, and a folder is needed.';
    await access(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const above = dirname(resolve(folder));
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && above !== resolve(folder);
    return isMissing ? folderProblem(above) : reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file.',
    ENOTDIR: 'a part of this path is a file and no folder.',
    EACCES: 'permission denied.',
    EPERM: 'permission denied.',
    EROFS: 'the disk can only be read.',
    ENAMETOOLONG: 'the name is too long.',
    ELOOP: 'the link leads round in a circle.',
  };
  return reasons[code] ?? message;
}
