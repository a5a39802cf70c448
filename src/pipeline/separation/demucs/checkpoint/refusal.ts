/** Why a checkpoint is not used, for people. The border (`checkpoint.ts`) adds the file and the error code. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

const QUOTED_LENGTH = 100;

/** `text` from a file, shortened and with control characters escaped, so that it can stand in a message. */
export function quote(text: string): string {
  const escaped = JSON.stringify(text.slice(0, QUOTED_LENGTH)).slice(1, -1);
  return text.length > QUOTED_LENGTH ? `${escaped}...` : escaped;
}
