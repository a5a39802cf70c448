import { tellAddress } from '../../text/redaction.ts';
import { WorkerError } from '../errors.ts';

/** Most characters of a blob's name, as the storage has it. */
export const MAX_BLOB_NAME = 1024;
/** Characters of a refused address that a message shows. */
const SHOWN = 300;
/** Control characters (C0, DEL, C1), and the two that no list of the storage could hold. */
const UNNAMEABLE = /[\p{Cc}\ufffe\uffff]/u;
/** Taken apart by hand: `URL` drops tabs, turns backslashes and resolves dot segments before anybody can look at them. */
const ADDRESS = /^(https?):\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?(#.*)?$/is;
const AUTHORITY = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;
/** Query parameters that address another content than the blob's current one. */
const OTHER_CONTENT = new Set(['snapshot', 'versionid']);

/**
 * Name of the blob that `uri` addresses in the container at `containerUrl`. Whatever token either of them carries plays
 * no part: the worker reads with its own credential, and only from its own container. Percent signs are decoded once.
 *
 * @throws WorkerError `invalid_request` that tells the address without user, query and fragment.
 */
export function parseBlobAddress(containerUrl: string, uri: string): string {
  const base = new URL(containerUrl);
  const root = base.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const place = `${base.origin}/${root.join('/')}/`;
  const refuse = (reason: string): never => {
    throw new WorkerError(
      'invalid_request',
      `blob_uri: expected a blob below ${place}, got ${shown(uri)}: ${reason}.`,
    );
  };

  if (!uri.isWellFormed() || UNNAMEABLE.test(uri)) return refuse('it holds control characters');
  if (uri !== uri.trim()) return refuse('it begins or ends with a space');
  if (uri.includes('\\')) return refuse('it holds a backslash; a slash is written /');
  const parts = ADDRESS.exec(uri);
  if (!parts) return refuse('it is no http(s) address');
  const [, scheme, authority, path = '', query = '', fragment] = parts;
  if (fragment !== undefined) return refuse('a # that belongs to the name is written %23');
  if (authority.includes('@')) return refuse('user and password have no place in it');
  if (`${scheme.toLowerCase()}:` !== base.protocol)
    return refuse(`it begins with ${scheme.toLowerCase()}, the storage's with ${base.protocol.slice(0, -1)}`);
  if (!isSameHost(base, authority)) return refuse('it is on another host or port');
  const faultOfQuery = queryFault(query);
  if (faultOfQuery) return refuse(faultOfQuery);

  const segments = path.split('/').slice(1);
  const own = segments.splice(0, root.length).map((segment) => decoded(segment) ?? refuse(MALFORMED));
  if (own.length < root.length || own.some((segment, i) => segment !== root[i]))
    return refuse('it is in another container');
  const name = decoded(segments.join('/')) ?? refuse(MALFORMED);
  const fault = blobNameFault(name);
  return fault ? refuse(fault) : name;
}

const MALFORMED =
  'a % in it is not followed by the two hex digits of a byte of UTF-8; a % of the name is written %25';

/** What makes a blob's name one that the storage would take for another's, or that can't be asked for; if anything. */
export function blobNameFault(name: string): string | undefined {
  if (name === '') return 'it names no blob';
  if (name.length > MAX_BLOB_NAME) return `its name has more than ${MAX_BLOB_NAME} characters`;
  if (!name.isWellFormed() || UNNAMEABLE.test(name)) return 'its name holds control characters';
  if (name.includes('\\')) return 'its name holds a backslash';
  const odd = name.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  if (odd === '') return 'its name begins or ends with a slash, or holds two in a row';
  if (odd !== undefined) return `its name holds '${odd}' between slashes`;
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Host and port have to be written plainly: other spellings of the same address are not looked for. */
function isSameHost(base: URL, authority: string): boolean {
  const parts = AUTHORITY.exec(authority);
  if (!parts) return false;
  const [, host, port] = parts;
  const standard = base.protocol === 'https:' ? 443 : 80;
  return (
    localName(host.toLowerCase()) === localName(base.hostname) &&
    Number(port ?? standard) === Number(base.port || standard)
  );
}

const localName = (host: string) => (host === 'localhost' ? '127.0.0.1' : host);

/** A SAS token is `name=value&…`. What else stands behind a question mark was meant as a part of the name. */
function queryFault(query: string): string | undefined {
  const parameters = query.slice(1).split('&').filter(Boolean);
  if (parameters.some((parameter) => parameter.indexOf('=') < 1))
    return 'a ? that belongs to the name is written %3F';
  const other = [...new URLSearchParams(query).keys()].find((name) => OTHER_CONTENT.has(name.toLowerCase()));
  return other && `${other} addresses an earlier content, and the worker reads the current one`;
}

/** An address for a message, no longer than anybody reads. */
function shown(uri: string): string {
  const text = tellAddress(uri);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
