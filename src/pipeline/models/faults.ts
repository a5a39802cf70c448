import { installationOf } from './store.ts';

interface Fault {
  readonly reason: string;
  /** The files that it was met with, see `installationOf`. */
  readonly installation: string;
}

/** What kept models from separating when they last tried to in this process: files can be whole and of no use all the same. */
const faults = new Map<string, Fault>();

/** Why `model` could not separate when it last tried; undefined where it could, has not tried yet, or has been installed anew. */
export function faultOf(modelsDir: string, model: string): string | undefined {
  const fault = faults.get(model);
  return fault?.installation === installationOf(modelsDir, model) ? fault.reason : undefined;
}

/** Notes how a try went: the reason of a failure, or undefined. */
export function noteTry(modelsDir: string, model: string, reason: string | undefined): void {
  if (reason === undefined) faults.delete(model);
  else faults.set(model, { reason, installation: installationOf(modelsDir, model) });
}
