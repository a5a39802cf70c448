/** Secrets that callbacks are signed with: after Standard Webhooks, `whsec_` and the Base64 of 24 to 64 bytes. */

const FORM = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** Reads secrets that commas or spaces separate. @throws Error that tells which one can't be signed with, and not the secret */
export function parseSecrets(text: string): readonly string[] {
  const secrets = text.split(/[\s,]+/).filter(Boolean);
  if (text && secrets.length === 0) throw new Error('expected whsec_ and Base64, got separators alone');
  for (const [i, secret] of secrets.entries())
    if (!bytesOf(secret))
      throw new Error(`expected whsec_ and Base64${which(i, secrets)}; what is set there is something else`);
  return secrets;
}

/** What should be corrected in secrets that can be signed with; undefined where nothing is. */
export function secretsWarning(secrets: readonly string[]): string | undefined {
  const i = secrets.findIndex((secret) => bytesOf(secret) < MIN_BYTES || bytesOf(secret) > MAX_BYTES);
  if (i < 0) return undefined;
  return `expected whsec_ and the Base64 of ${MIN_BYTES} to ${MAX_BYTES} bytes${which(i, secrets)}, got ${bytesOf(secrets[i])} bytes`;
}

/** Bytes of a secret; 0 where it is none. */
const bytesOf = (secret: string): number => Buffer.from(FORM.exec(secret)?.[1] ?? '', 'base64').length;

const which = (i: number, secrets: readonly string[]): string =>
  secrets.length > 1 ? `, as secret ${i + 1} of ${secrets.length}` : '';
