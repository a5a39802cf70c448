/**
 * What may be secret is left out of every text that this program tells: an address is told without user, password, query
 * and fragment, a key or token not at all.
 */

const LEFT_OUT = '…';

/** Addresses in a text: in quotes up to the closing one, else up to a space. `https:` is one without slashes too. */
const BEGIN = String.raw`(?<![a-z0-9+.-])(?:[a-z0-9+.-]+:\/\/|https?:(?=[^\s"']))`;
const ADDRESSES = new RegExp(
  String.raw`(?<=")${BEGIN}[^"]*|(?<=')${BEGIN}(?:[^']|'(?=[\w%]))*|${BEGIN}\S*`,
  'gi',
);
/** What stands behind an address and belongs to the sentence around it. */
const SENTENCE_END = /(?<![\s"'`<>()[\]{}.,;:!\\])[\s"'`<>()[\]{}.,;:!\\]*$/;

/** `=` or `:` behind a name, and percent-encoded, also more than once. */
const IS = String.raw`["']?\s*(?:[:=]|%(?:25)*3[ad])\s*`;
const VALUE = String.raw`(?:<Buffer[^>]*>|"[^"]*"|'[^']*'|[^\s;,"'}]+)`;
/** Secrets that stand outside of an address, by what stands before them. */
const SECRETS: readonly RegExp[] = [
  new RegExp(`((?:account_?key|shared_?access_?(?:key|signature))${IS})${VALUE}`, 'gi'),
  new RegExp(String.raw`(\bauthorization${IS}["']?)(?:\w+ +)?[^\s"',]+`, 'gi'),
  /((?:\b|%(?:25)*[\da-f]{2})sig(?:=|%(?:25)*3d))[^&\s;"']+/gi,
  /(\bwhsec_)[\w+/=%-]+/gi,
  // User and password, or the query, of an address that has lost its beginning, or that begins with a slash.
  /(\/\/)[^\s/"'@]+(?=@)/g,
  /(\?)[\w.~$%-]+(?:=|%(?:25)*3d)[^\s"'<>]*/gi,
];

/** `text` without what may be secret in it: parts of addresses, keys of storage accounts, SAS tokens, `whsec_` secrets. */
export function redact(text: string): string {
  const told = text.replace(ADDRESSES, (found) => {
    const end = SENTENCE_END.exec(found)!.index;
    return tellAddress(found.slice(0, end)) + found.slice(end);
  });
  return SECRETS.reduce((rest, secret) => rest.replace(secret, `$1${LEFT_OUT}`), told);
}

/** A whole address, wrong ones too, without user, password, query and fragment. */
export function tellAddress(address: string): string {
  const [, scheme = '', authority, rest] = /^([^/\\?#@]*:[/\\]+|[/\\]{2,}|https?:)?([^/\\]*)(.*)$/is.exec(
    address,
  )!;
  const [place, ...query] = authority.split(/[?#]/);
  const host = place.split('@').at(-1)!;
  // Of a password with a slash or a question mark in it, the host would hold a part.
  const isPlain = !query.some((part) => part.includes('@')) && /^(\[.*\]|[^:]*)(:\d*)?$/s.test(host);
  const path = isPlain && query.length === 0 ? rest.split(/[?#]/)[0] : '';
  return `${scheme}${isPlain ? host : LEFT_OUT}${path}`;
}
