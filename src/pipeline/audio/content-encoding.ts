import { pipeline, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { WorkerError } from '../errors.ts';

/** What a truncated file holds is taken as far as it goes; the decoder finds that its end is missing. */
const ZLIB = { finishFlush: constants.Z_SYNC_FLUSH };
/** `head`: the first two bytes, as far as there are any. */
const DECODERS: Readonly<Record<string, (head: Buffer) => Transform>> = {
  gzip: () => createGunzip(ZLIB),
  'x-gzip': () => createGunzip(ZLIB),
  // Some programs leave zlib's header out (RFC 9110, 8.4.1.2).
  deflate: (head) => (hasZlibHeader(head) ? createInflate(ZLIB) : createInflateRaw(ZLIB)),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
};
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const HEAD_BYTES = 2;
const MEGABYTE = 1_000_000;

/**
 * Undoes a blob's `Content-Encoding`, such as `gzip`: the storage hands it out as it was uploaded. What is said to be gzip
 * and isn't is passed as it is: some programs set the header and forget the rest.
 *
 * @param maxBytes What may come out.
 * @throws WorkerError `unsupported_media` for another encoding or data that isn't in it, `too_large`.
 */
export async function* undoEncoding(
  pieces: AsyncIterable<Buffer>,
  encoding: string | undefined,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const names = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name && name !== 'identity');
  const unknown = names.find((name) => !Object.hasOwn(DECODERS, name));
  if (unknown !== undefined)
    throw refused(
      `is '${unknown.slice(0, 40)}'; expected one of ${Object.keys(DECODERS).join(', ')}, or none`,
    );
  // The last one was applied last.
  yield* names.reduceRight((input, name) => undoOne(input, name, maxBytes), pieces);
}

async function* undoOne(
  pieces: AsyncIterable<Buffer>,
  name: string,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const rest = pieces[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD_BYTES) {
    const next = await rest.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  if (head.length === 0) return;
  const input = async function* () {
    yield head;
    yield* { [Symbol.asyncIterator]: () => rest };
  };
  const start = head.subarray(0, HEAD_BYTES);
  if (name.endsWith('gzip') && !start.equals(GZIP_MAGIC)) return yield* input();
  let bytes = 0;
  try {
    // A failure of the input ends the output with the same error.
    for await (const piece of pipeline(input, DECODERS[name](start), () => {})) {
      bytes += piece.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      yield piece;
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw /^(Z_|ERR_?BROTLI|ERR__ERROR)/.test(code)
      ? refused(`is '${name}', and its content is not`, error)
      : error;
  }
}

/** RFC 1950, 2.2: the method is 8, and the two bytes are a multiple of 31. */
function hasZlibHeader(head: Buffer): boolean {
  return head.length === HEAD_BYTES && (head[0] & 15) === 8 && head.readUInt16BE() % 31 === 0;
}

function refused(what: string, cause?: unknown): WorkerError {
  return new WorkerError(
    'unsupported_media',
    `The blob's Content-Encoding ${what}. Upload the song again, best without any.`,
    { cause },
  );
}

function tooLarge(maxBytes: number): WorkerError {
  return new WorkerError(
    'too_large',
    `The blob holds more than the ${Math.round(maxBytes / MEGABYTE)} MB that MAX_FILE_MB allows when its Content-Encoding is undone. Send a smaller file or raise the limit.`,
  );
}
