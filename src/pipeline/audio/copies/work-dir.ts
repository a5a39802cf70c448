import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, wrongSetting } from '../../config.ts';
import { WorkerError } from '../../errors.ts';

/** @throws WorkerError `misconfigured` where `WORK_DIR` is no folder that can be written to, or made. */
export function requireWorkDir({ workDir }: Pick<Config, 'workDir'>): void {
  const fault = folderFault(resolve(workDir));
  if (fault) throw new WorkerError('misconfigured', wrongSetting('WORK_DIR', workDir, fault));
}

/** One that is not there yet is as good as the nearest folder above it. */
function folderFault(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is a file, and a folder is needed`;
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if ((code === 'ENOENT' || code === 'ENOTDIR') && dirname(folder) !== folder)
      return folderFault(dirname(folder));
    return `nothing can be written to ${folder} (${code})`;
  }
}
