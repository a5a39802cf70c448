/** What kept models from separating when they last tried to in this process: files can be whole and of no use all the same. */
const faults = new Map<string, string>();

/** Why `model` could not separate when it last tried; undefined where it could, or has not tried yet. */
export const faultOf = (model: string): string | undefined => faults.get(model);

/** Notes how a try went: the reason of a failure, or undefined. */
export function noteTry(model: string, reason: string | undefined): void {
  if (reason === undefined) faults.delete(model);
  else faults.set(model, reason);
}
