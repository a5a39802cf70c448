import { pipeline, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { WorkerError } from '../errors.ts';

/** What a truncated file holds is taken as far as it goes; the decoder finds that its end is missing. */
const ZLIB = { finishFlush: constants.Z_SYNC_FLUSH };
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(ZLIB),
  'x-gzip': () => createGunzip(ZLIB),
  deflate: () => createInflate(ZLIB),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
};
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
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
  const first = await rest.next();
  if (first.done) return;
  const input = async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => rest };
  };
  if (name.endsWith('gzip') && !first.value.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC))
    return yield* input();
  let bytes = 0;
  try {
    // A failure of the input ends the output with the same error.
    for await (const piece of pipeline(input, DECODERS[name](), () => {})) {
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
